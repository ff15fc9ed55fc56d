/** Real servers and clients for tests of the outbound client, all on loopback. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Server as TcpServer, Socket } from 'node:net';
import type { OutboundErrorCode } from './error-code.ts';
import { createOutbound, type Outbound, type OutboundOptions } from './outbound.ts';

/** What these clients throw. */
class Failed extends Error {
  readonly code: OutboundErrorCode;
  constructor(code: OutboundErrorCode, detail: string, cause: unknown) {
    super(detail, { cause });
    this.code = code;
  }
}

export class TestNet {
  readonly #ends: (() => Promise<void>)[] = [];

  /** Returns the port. */
  async listen(server: Server | TcpServer): Promise<number> {
    const sockets = new Set<Socket>();
    server.on('connection', (socket: Socket) => sockets.add(socket.once('close', () => sockets.delete(socket))));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#ends.push(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    });
    return (server.address() as AddressInfo).port;
  }

  /** Returns the origin of an HTTP server. */
  async serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
    return `http://127.0.0.1:${await this.listen(createServer(answer))}`;
  }

  /** May call loopback unless configured otherwise. */
  client(options: Partial<OutboundOptions> = {}): Outbound {
    const outbound = createOutbound({
      proxy: { noProxy: [] },
      allowHosts: ['127.0.0.1', '::1'],
      userAgent: 'dais/test',
      fail: (code, detail, cause) => new Failed(code, detail, cause),
      ...options,
    });
    this.#ends.push(async () => await outbound.close());
    return outbound;
  }

  /** Ends what was started last. */
  async endLast(): Promise<void> {
    await this.#ends.pop()?.();
  }

  async end(): Promise<void> {
    for (const end of this.#ends.splice(0).reverse()) await end();
  }
}
