/**
 * Accepts one shim. Before a command was started, that is the first connection, because nothing else runs in the container.
 * After the agent has restarted, it is the connection that proves the secret, because the command can connect too. Then the
 * listener is closed.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import type { Clock } from '#lib/clock.ts';
import { randomBytes } from '#lib/crypto/random-bytes.ts';
import { ShimConnection, type ResumedCommand, type ShimEvents } from './shim-connection.ts';
import { encodeMessage, readVariables, type HelloMessage, type ShimMessage } from './shim-messages.ts';
import { CHALLENGE_BYTES, encodeFrame, PROTOCOL_VERSION, ShimProtocolError } from './shim-protocol.ts';
import { ShimSocket, type ShimReceiver } from './shim-socket.ts';

export interface ShimListenerOptions {
  /** At most 107 bytes. A socket that a killed agent left there is removed. */
  readonly path: string;
  readonly events: ShimEvents;
  readonly clock: Clock;
  /** For a restarted agent that has sent a command. */
  readonly resume?: ResumedCommand;
  /** Why a connection was refused; for the log of the agent. */
  refused?(reason: string): void;
}

export interface ShimListener {
  /** Rejects when the listener is closed before. */
  readonly accepted: Promise<ShimConnection>;
  /** Closes the listener, but not the accepted connection. Idempotent. */
  close(): void;
}

/** Time for the first messages. */
const HANDSHAKE_MS = 10_000;
/** The oldest connection makes room for the next: the command cannot keep its shim out by opening many. */
const MAX_CANDIDATES = 16;
/** Limit of the kernel. */
const MAX_PATH_BYTES = 107;

/** Resolves when a shim can connect. */
export async function listenForShim(options: ShimListenerOptions): Promise<ShimListener> {
  const { path } = options;
  if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
    throw new Error(`The socket path ${path} has more than ${MAX_PATH_BYTES} bytes. Use a shorter folder.`);
  }
  await rm(path, { force: true });
  const listener = new Listener(options);
  await listener.listen();
  return listener;
}

class Listener implements ShimListener {
  readonly accepted: Promise<ShimConnection>;
  readonly #options: ShimListenerOptions;
  readonly #server: Server;
  readonly #candidates = new Set<Candidate>();
  #accept!: (connection: ShimConnection) => void;
  #reject!: (error: Error) => void;

  constructor(options: ShimListenerOptions) {
    this.#options = options;
    this.#server = createServer((socket) => this.#admit(socket));
    this.accepted = new Promise((resolve, reject) => {
      this.#accept = resolve;
      this.#reject = reject;
    });
    // A caller that closes the listener may not wait for a shim any more.
    this.accepted.catch(() => {});
  }

  async listen(): Promise<void> {
    this.#server.listen(this.#options.path);
    await once(this.#server, 'listening');
    // A connection that could not be accepted: its shim connects again.
    this.#server.on('error', (error) => this.#options.refused?.(error.message));
  }

  close(): void {
    this.#reject(new Error('The listener for the shim was closed.'));
    // Removes the socket file.
    this.#server.close();
    for (const candidate of this.#candidates) candidate.close();
    this.#candidates.clear();
  }

  #admit(socket: Socket): void {
    for (const oldest of this.#candidates) {
      if (this.#candidates.size < MAX_CANDIDATES) break;
      this.#candidates.delete(oldest);
      oldest.close();
      this.#options.refused?.('too many processes are connected');
    }
    const { resume, clock } = this.#options;
    const candidate = new Candidate(socket, resume, clock, {
      accepted: (hello, variables, position) => {
        this.#candidates.delete(candidate);
        const connection = new ShimConnection(
          candidate.socket,
          { ...hello, variables },
          this.#options.events,
          position,
        );
        candidate.socket.handOver(connection);
        this.#accept(connection);
        this.close();
      },
      refused: (reason) => {
        this.#candidates.delete(candidate);
        this.#options.refused?.(reason);
      },
    });
    this.#candidates.add(candidate);
  }
}

interface CandidateEvents {
  /** `position`: of the output, for a resumed command. */
  accepted(hello: HelloMessage, variables: Record<string, string>, position: number | undefined): void;
  refused(reason: string): void;
}

/** A connection whose first messages are checked. */
class Candidate implements ShimReceiver {
  readonly socket: ShimSocket;
  readonly #resume: ResumedCommand | undefined;
  readonly #events: CandidateEvents;
  readonly #cancelTimer: () => void;
  readonly #challenge = randomBytes(CHALLENGE_BYTES);
  #variables: Buffer | undefined;
  #hello: HelloMessage | undefined;

  constructor(socket: Socket, resume: ResumedCommand | undefined, clock: Clock, events: CandidateEvents) {
    this.#resume = resume;
    this.#events = events;
    this.socket = new ShimSocket(socket, this);
    this.#cancelTimer = clock.after(HANDSHAKE_MS, () => {
      this.close();
      this.closed(`the first messages did not arrive within ${HANDSHAKE_MS} ms`);
    });
  }

  close(): void {
    this.#cancelTimer();
    this.socket.destroy();
  }

  closed(reason: string): void {
    this.#cancelTimer();
    this.#events.refused(reason);
  }

  receive(message: ShimMessage): void {
    switch (message.type) {
      case 'variables':
        return this.#receiveVariables(message.bytes);
      case 'hello':
        return this.#receiveHello(message);
      case 'proof':
        return this.#receiveProof(message.bytes);
      default:
        throw new ShimProtocolError(`the first message is \`${message.type}\``);
    }
  }

  #receiveVariables(bytes: Buffer): void {
    if (this.#variables !== undefined) throw new ShimProtocolError('a second frame `variables`');
    this.#variables = bytes;
  }

  #receiveHello(hello: HelloMessage): void {
    if (this.#hello !== undefined) throw new ShimProtocolError('a second `hello`');
    if (hello.version !== PROTOCOL_VERSION) {
      throw new ShimProtocolError(`the shim has protocol version ${hello.version} instead of ${PROTOCOL_VERSION}`);
    }
    this.#hello = hello;
    if (hello.resumes !== (this.#resume !== undefined)) {
      throw new ShimProtocolError(hello.resumes ? 'it has a command already' : 'it has no command');
    }
    if (this.#resume === undefined) this.#accept(hello, undefined);
    else this.socket.send([encodeFrame('challenge', this.#challenge)]);
  }

  #receiveProof(proof: Buffer): void {
    if (this.#resume === undefined || this.#hello === undefined) throw new ShimProtocolError('an unexpected `proof`');
    const expected = createHmac('sha256', this.#resume.secret).update(this.#challenge).digest();
    if (!timingSafeEqual(proof, expected)) throw new ShimProtocolError('the proof is wrong');
    // The shim has removed what an agent acknowledged.
    const position = Math.max(this.#resume.acknowledged, this.#hello.acknowledged);
    this.socket.send([encodeMessage('resume', { acknowledged: position })]);
    this.#accept(this.#hello, position);
  }

  #accept(hello: HelloMessage, position: number | undefined): void {
    const variables = readVariables(this.#variables ?? Buffer.alloc(0), hello.variableCount);
    this.#cancelTimer();
    this.#events.accepted(hello, variables, position);
  }
}
