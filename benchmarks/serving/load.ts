/** Keep-alive connections that each send one request after the other, over bare sockets: what they cost is not the server's. */
import { connect, type Socket } from 'node:net';
import { figuresOf, type Load } from './figures.ts';

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

export function overHttp(port: number, request: Buffer): Load {
  return async (connections, seconds) =>
    await figuresOf(connections, seconds, async ({ answered, lost }) => {
      await new Promise<void>((resolve) => {
        let sentAt = 0;
        let held: Buffer = Buffer.alloc(0);
        const socket: Socket = connect(port, '127.0.0.1');
        const send = () => {
          sentAt = performance.now();
          socket.write(request);
        };
        socket.setNoDelay(true);
        socket.on('connect', send);
        // A server that drops a connection has failed a request.
        socket.on('error', lost);
        socket.on('close', () => resolve());
        socket.on('data', (bytes) => {
          held = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
          const end = held.indexOf('\r\n\r\n');
          if (end < 0) return;
          const head = held.toString('latin1', 0, end);
          const length = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0);
          if (held.length < end + 4 + length) return;
          held = Buffer.alloc(0);
          if (answered(sentAt, head.startsWith('HTTP/1.1 200'))) send();
          else socket.end();
        });
      });
    });
}
