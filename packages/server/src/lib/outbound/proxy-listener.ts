import { randomBytes } from 'node:crypto';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import type { ForwardProxy, ProxyClient } from './forward-proxy.ts';

export interface ProxyListener {
  readonly port: number;
  /** Password of the address. */
  readonly token: string;
  /** URL of the proxy with its token, in the format of `HTTP_PROXY`. A secret: the token authenticates the client. */
  readonly url: string;
  /** Ends every connection of the client. Idempotent. */
  close(): void;
}

/**
 * Listens on a free loopback port for one client of a forward proxy, such as a program in the network of this machine.
 * Every local user can connect, so each request needs the token.
 */
export async function listenForClient(
  proxy: Pick<ForwardProxy, 'accept'>,
  client: Omit<ProxyClient, 'token'>,
): Promise<ProxyListener> {
  const token = randomBytes(24).toString('base64url');
  const known: ProxyClient = { ...client, token };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    proxy.accept(socket, known);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    token,
    url: `http://dais:${token}@127.0.0.1:${port}`,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
