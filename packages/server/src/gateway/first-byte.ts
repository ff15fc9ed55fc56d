/** One port for TLS and, from this machine only, HTTP in clear: the control plane asks so, whatever the certificate says. */
import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { isLoopback } from '#lib/tcp-listener.ts';

/** The type of a record that begins a handshake: RFC 8446 §5.1. */
const HANDSHAKE = 0x16;
/** Whoever says nothing for so long goes. */
const SILENCE_MS = 20_000;

export function chooseByFirstByte(
  socket: Socket,
  servers: { readonly secure: EventEmitter; readonly plain: EventEmitter },
): void {
  const drop = () => void socket.destroy();
  socket.setTimeout(SILENCE_MS, drop);
  socket.once('error', drop);
  socket.once('data', (chunk: Buffer) => {
    socket.pause();
    socket.setTimeout(0);
    socket.off('timeout', drop);
    socket.off('error', drop);
    const isSecure = chunk[0] === HANDSHAKE;
    if (!isSecure && !isLoopback(socket.remoteAddress ?? '')) {
      drop();
      return;
    }
    socket.unshift(chunk);
    (isSecure ? servers.secure : servers.plain).emit('connection', socket);
    process.nextTick(() => socket.resume());
  });
}
