/** One connection of a shim, or of a process that claims to be one: bytes in, messages out, and one reason for its end. */
import type { Socket } from 'node:net';
import { readShimMessage, type ShimMessage } from './shim-messages.ts';
import { FrameDecoder, ShimProtocolError } from './shim-protocol.ts';

export interface ShimReceiver {
  /** A ShimProtocolError that it throws ends the connection, with its message as the reason. */
  receive(message: ShimMessage): void;
  /** Called once, unless `close` was called. */
  closed(reason: string): void;
}

const ENDED = 'the shim ended';

/** A killed shim that has not read everything resets its connection. */
function reasonOf(error: NodeJS.ErrnoException): string {
  const isEnd = error.code === 'ECONNRESET' || error.code === 'EPIPE';
  return isEnd ? ENDED : `the connection to the shim failed: ${error.message}`;
}

export class ShimSocket {
  readonly #socket: Socket;
  readonly #decoder = new FrameDecoder();
  #receiver: ShimReceiver;
  #isClosed = false;
  #unsent: Buffer[] = [];

  constructor(socket: Socket, receiver: ShimReceiver) {
    this.#socket = socket;
    this.#receiver = receiver;
    socket.on('data', (bytes) => this.#decode(bytes));
    socket.on('error', (error: NodeJS.ErrnoException) => this.#end(reasonOf(error)));
    socket.on('end', () => this.#end(this.#decoder.isInsideFrame ? 'the shim ended inside a frame' : ENDED));
    socket.on('close', () => this.#end(ENDED));
  }

  /** The next message goes to another receiver. */
  handOver(receiver: ShimReceiver): void {
    this.#receiver = receiver;
  }

  /**
   * Sends frames after everything that has arrived was received: a write fails when the shim was killed, and Node then discards
   * what it has not read, which often contains why the command needed too much memory.
   */
  send(frames: readonly Buffer[]): void {
    if (this.#isClosed) return;
    if (this.#unsent.length === 0) setImmediate(() => this.#write());
    this.#unsent.push(...frames);
  }

  /** Closes the connection after everything was sent. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#write();
    this.#isClosed = true;
    this.#socket.destroySoon();
  }

  /** Closes the connection without sending the rest: a process that reads nothing would keep it open. Idempotent. */
  destroy(): void {
    this.#isClosed = true;
    this.#socket.destroy();
  }

  #write(): void {
    if (this.#isClosed) return;
    this.#socket.cork();
    for (const frame of this.#unsent.splice(0)) this.#socket.write(frame);
    this.#socket.uncork();
  }

  #decode(bytes: Buffer): void {
    if (this.#isClosed) return;
    try {
      for (const frame of this.#decoder.decode(bytes)) {
        this.#receiver.receive(readShimMessage(frame));
        if (this.#isClosed) return;
      }
    } catch (error) {
      if (!(error instanceof ShimProtocolError)) throw error;
      this.#end(error.message);
    }
  }

  #end(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.destroy();
    this.#receiver.closed(reason);
  }
}
