/**
 * undici 7 throws out of an event of the socket, which ends the process, when a peer ends its connection while the parser
 * waits for a slow reader of the answer (nodejs/undici#5360). undici 8 mends it as is done here, but needs Node 22: this
 * file goes when that is the floor.
 */
import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

interface Parser {
  readonly paused: boolean;
  readonly socket: Socket;
  resume(): void;
  finish: (this: Parser) => Error | null;
}

const mended = new WeakSet<object>();

/** Repairs the parser of every connection from now on, also of those through proxies. Idempotent. */
export function mendPausedEnds(): void {
  subscribe('undici:client:connected', mend);
}

function mend(message: unknown): void {
  const socket = (message as { readonly socket: Record<symbol, Parser | undefined> }).socket;
  const name = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'parser');
  const parser = name === undefined ? undefined : socket[name];
  if (typeof parser?.finish !== 'function') return;
  const prototype = Object.getPrototypeOf(parser) as Parser;
  if (mended.has(prototype)) return;
  mended.add(prototype);
  const { finish } = prototype;
  prototype.finish = function finishRead(this: Parser) {
    // Reads what has arrived to its end, as much as lies in the socket: the answer keeps it although its reader is slow.
    while (this.paused && !this.socket.destroyed) this.resume();
    return this.paused ? null : finish.call(this);
  };
}
