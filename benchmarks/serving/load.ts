/** HTTP requests over bare sockets, one after the other on each connection: the cost of the client is small. */
import { connect } from 'node:net';
import type { ConnectionMode } from '../lib/http-client.ts';
import { figuresOf, type Load, type Tally } from '../lib/load.ts';

export function postRequest(path: string, body: Buffer, headers: readonly string[] = []): Buffer {
  const lines = [
    `POST ${path} HTTP/1.1`,
    'host: 127.0.0.1',
    'content-type: application/json',
    `content-length: ${body.length}`,
    ...headers,
  ];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), body]);
}

/** With `new`, the client opens a connection for each request and closes it after the response. */
export function overHttp(port: number, request: Buffer, mode: ConnectionMode = 'kept'): Load {
  return async (connections, seconds) =>
    await figuresOf(connections, seconds, async (tally) => {
      while (await useConnection(port, request, mode, tally));
    });
}

/** Sends requests on one connection. Resolves to whether another connection must follow. */
async function useConnection(
  port: number,
  request: Buffer,
  mode: ConnectionMode,
  { answered, lost }: Tally,
): Promise<boolean> {
  return await new Promise<boolean>((resolve) => {
    let sentAt = performance.now();
    let hasTime = false;
    let held: Buffer = Buffer.alloc(0);
    const socket = connect(port, '127.0.0.1');
    socket.setNoDelay(true);
    socket.on('connect', () => socket.write(request));
    // A server that closes a connection has failed a request.
    socket.on('error', lost);
    socket.on('close', () => resolve(mode === 'new' && hasTime));
    socket.on('data', (bytes) => {
      held = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
      const end = held.indexOf('\r\n\r\n');
      if (end < 0) return;
      const head = held.toString('latin1', 0, end);
      const length = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0);
      if (held.length < end + 4 + length) return;
      held = Buffer.alloc(0);
      hasTime = answered(sentAt, head.startsWith('HTTP/1.1 200'));
      if (!hasTime || mode === 'new') {
        socket.end();
        return;
      }
      sentAt = performance.now();
      socket.write(request);
    });
  });
}
