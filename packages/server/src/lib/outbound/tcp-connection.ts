import { connect, type Socket } from 'node:net';
import { canonicalHost, type AddressGuard } from './address-guard.ts';
import { guardedLookup } from './guarded-lookup.ts';

/**
 * Opens a TCP connection to an address that `guard` checked; without one, to any. Rejects as the guard does, or with the
 * socket's own error.
 */
export async function openTcp(
  guard: AddressGuard | undefined,
  host: string,
  port: number,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Socket> {
  guard?.checkLiteral(host, port);
  signal?.throwIfAborted();
  const socket = connect({
    host: canonicalHost(host) ?? host,
    port,
    ...(guard !== undefined && { lookup: guardedLookup(guard, port) }),
  });
  socket.setTimeout(timeoutMs);
  return await new Promise((resolve, reject) => {
    const stop = (error: unknown) => {
      signal?.removeEventListener('abort', aborted);
      socket.destroy();
      reject(error);
    };
    const aborted = () => stop(signal?.reason);
    signal?.addEventListener('abort', aborted);
    socket.once('error', stop);
    socket.once('timeout', () => {
      stop(Object.assign(new Error('the connection took too long'), { code: 'UND_ERR_CONNECT_TIMEOUT' }));
    });
    socket.once('connect', () => {
      signal?.removeEventListener('abort', aborted);
      socket.removeListener('error', stop);
      socket.removeAllListeners('timeout').setTimeout(0);
      resolve(socket);
    });
  });
}
