import { DaisError } from '@dais/api/errors';
import { tcpListener } from '#lib/system/tcp-table.ts';

/** The default port of a server; the following ports are tried up to the last. */
const FIRST_PORT = 7070;
const LAST_PORT = 7089;

/**
 * Listens on the configured port, or on the first free port from `first`. Returns the port.
 * @throws DaisError `address_in_use` with the process that uses it, if visible.
 */
export async function listenOn(
  listen: (host: string, port: number) => Promise<number>,
  host: string,
  port: number | undefined,
  first = FIRST_PORT,
): Promise<number> {
  const ports = port === undefined ? range(first, LAST_PORT) : [port];
  for (const candidate of ports) {
    try {
      return await listen(host, candidate);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EADDRINUSE') continue;
      if (code === 'EACCES') {
        throw new DaisError('address_in_use', `Only root can listen on port ${candidate}. Use a port above 1023.`, {
          cause: error,
        });
      }
      if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
        throw new DaisError('invalid_config', `This machine does not have the address ${host}.`, {
          issues: [{ path: 'host', message: `is ${host}, which this machine does not have` }],
          cause: error,
        });
      }
      throw error;
    }
  }
  if (port === undefined) {
    throw new DaisError('address_in_use', `All ports from ${first} to ${LAST_PORT} of ${host} are in use.`);
  }
  const holder = await tcpListener(port);
  const who = holder === undefined ? 'another process' : `process ${holder.pid} (${holder.command.slice(0, 200)})`;
  throw new DaisError('address_in_use', `Port ${port} of ${host} is in use by ${who}.`);
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
