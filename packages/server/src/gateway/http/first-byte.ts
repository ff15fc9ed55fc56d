/**
 * Serves TLS and, for connections from this machine only, plain HTTP on one port. The control plane uses plain HTTP,
 * independent of the certificate.
 */
import type { Socket } from 'node:net';
import { isLoopback } from '#lib/system/tcp-table.ts';

/** Type of the TLS record that starts a handshake: RFC 8446 §5.1. */
const HANDSHAKE = 0x16;
/** Connections without data are closed after this time. */
const SILENCE_MS = 20_000;

export function chooseByFirstByte(
  socket: Socket,
  to: { readonly secure: (socket: Socket) => void; readonly plain: (socket: Socket) => void },
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
    if (!isSecure && !isFromThisMachine(socket)) {
      drop();
      return;
    }
    socket.unshift(chunk);
    (isSecure ? to.secure : to.plain)(socket);
    process.nextTick(() => socket.resume());
  });
}

/** A port that listens at one address of this machine is reached from the same address. */
function isFromThisMachine({ remoteAddress, localAddress }: Socket): boolean {
  return remoteAddress !== undefined && (isLoopback(remoteAddress) || remoteAddress === localAddress);
}
