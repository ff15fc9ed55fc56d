/** The agent's side of the connection to its shim, after it was accepted. */
import {
  encodeMessage,
  encodeRun,
  encodeSignal,
  type CommandEnd,
  type CommandOrder,
  type CommandStart,
  type ShimHello,
  type ShimMessage,
  type StartFailure,
} from './shim-messages.ts';
import { ShimProtocolError, WINDOW_BYTES } from './shim-protocol.ts';
import type { ShimReceiver, ShimSocket } from './shim-socket.ts';

export interface ShimEvents {
  /** The command runs. Repeated after the agent has restarted. */
  started(start: CommandStart): void;
  /**
   * Output of the command, from a position on. The shim keeps it until `acknowledge`, and the command waits when more than
   * `WINDOW_BYTES` are kept.
   */
  output(bytes: Buffer, position: number): void;
  /** The container is being stopped from outside. Without `signal` within a second, the shim sends TERM to the command. */
  terminating(signal: string): void;
  /** The command has ended, and all its output has arrived. */
  exited(end: CommandEnd): void;
  /** The command could not be started. */
  failed(failure: StartFailure): void;
  /**
   * The connection is lost: the shim was killed, or it broke the protocol. After `exited` or `failed`, the result is known all
   * the same. Not called after `close`.
   */
  gone(reason: string): void;
}

/** What a restarted agent knows about its shim. */
export interface ResumedCommand {
  readonly secret: string;
  /** Bytes of output that the agent has. */
  readonly acknowledged: number;
}

const ACKNOWLEDGED_BYTES = WINDOW_BYTES / 4;

type Stage = 'idle' | 'ordered' | 'started' | 'over';

export class ShimConnection implements ShimReceiver {
  readonly hello: ShimHello;
  readonly #socket: ShimSocket;
  readonly #events: ShimEvents;
  #stage: Stage;
  #isTerminating = false;
  /** Position of the next output. */
  #position: number;
  #acknowledged: number;

  /** `position`: where the output of a resumed command continues; undefined: no command was sent. */
  constructor(socket: ShimSocket, hello: ShimHello, events: ShimEvents, position: number | undefined) {
    this.hello = hello;
    this.#socket = socket;
    this.#events = events;
    this.#stage = position === undefined ? 'idle' : 'ordered';
    this.#position = position ?? 0;
    this.#acknowledged = this.#position;
  }

  /** Starts the command; once. Keep its secret first: the agent needs it after a crash. */
  run(order: CommandOrder): void {
    if (this.#stage !== 'idle') throw new Error('A shim runs one command, and it has received it.');
    this.#stage = 'ordered';
    this.#socket.send(encodeRun(order));
  }

  /**
   * Sends a signal to all processes of the command. `killAfterMs`: the shim sends KILL after this time, also without the agent,
   * and until then the signal to processes that the command creates. During the start, it waits for the command; after the
   * end, it is ignored.
   */
  signal(name: NodeJS.Signals, options: { readonly killAfterMs?: number } = {}): void {
    this.#socket.send([encodeSignal(name, options.killAfterMs)]);
  }

  /**
   * Reports that output before a position is stored: the shim need not send it again. The shim receives that only when a quarter
   * of the window is stored: a restarted agent reports its position itself, so that less needs no message.
   */
  acknowledge(position: number): void {
    if (position > this.#position) throw new RangeError(`only ${this.#position} bytes of output have arrived`);
    if (position - this.#acknowledged < ACKNOWLEDGED_BYTES) return;
    this.#acknowledged = position;
    this.#socket.send([encodeMessage('acknowledge', { acknowledged: position })]);
  }

  /** Ends the shim with the exit code of the command, or with 0 if none was sent. A running command is killed. */
  bye(): void {
    this.#socket.send([encodeMessage('bye', {})]);
  }

  /** Closes the connection; the shim waits for another agent. Idempotent. */
  close(): void {
    this.#socket.close();
  }

  receive(message: ShimMessage): void {
    switch (message.type) {
      case 'started':
        this.#advance(message.type, 'ordered', 'started');
        return this.#events.started(message.start);
      case 'output':
        return this.#receiveOutput(message.bytes);
      case 'terminating':
        if (this.#isTerminating) this.#reject(message.type);
        this.#isTerminating = true;
        return this.#events.terminating(message.signal);
      case 'exited': {
        this.#advance(message.type, 'started', 'over');
        const { outputBytes } = message.end;
        if (outputBytes !== this.#position) {
          throw new ShimProtocolError(`the shim sent ${this.#position} bytes of output instead of ${outputBytes}`);
        }
        return this.#events.exited(message.end);
      }
      case 'failed':
        this.#advance(message.type, 'ordered', 'over');
        return this.#events.failed(message.failure);
      case 'hello':
      case 'variables':
      case 'proof':
        this.#reject(message.type);
    }
  }

  closed(reason: string): void {
    this.#events.gone(reason);
  }

  #receiveOutput(bytes: Buffer): void {
    if (this.#stage !== 'started') this.#reject('output');
    const position = this.#position;
    this.#position += bytes.length;
    if (this.#position - this.#acknowledged > WINDOW_BYTES) {
      throw new ShimProtocolError(`the shim sent more than ${WINDOW_BYTES} bytes of output without acknowledgment`);
    }
    this.#events.output(bytes, position);
  }

  #advance(type: ShimMessage['type'], from: Stage, to: Stage): void {
    if (this.#stage !== from) this.#reject(type);
    this.#stage = to;
  }

  #reject(type: ShimMessage['type']): never {
    throw new ShimProtocolError(`the shim sent \`${type}\` at the wrong time`);
  }
}
