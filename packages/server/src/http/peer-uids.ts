import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Coalescer } from '#lib/concurrency/coalesce.ts';
import { peerUid, readTcpTable, type Connection } from '#lib/system/tcp-table.ts';

/** Headers that a proxy adds: the connection is then the proxy's, and its uid says nothing of who calls. */
const FORWARDED = ['x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'forwarded', 'via'];

/**
 * The uid at the other end of a loopback connection, looked up once per connection. The table of the kernel is read
 * once for all connections that come while it is being read: 1,000 readers that connect at once cost a few reads.
 */
export class PeerUids {
  readonly #known = new WeakMap<Socket, Promise<number | undefined>>();
  readonly #lookups = new Coalescer<Connection, number | undefined>(1000, async (_key, connections) => {
    const table = await readTcpTable();
    return connections.map((connection) => ({ value: peerUid(table, connection) }));
  });

  async of(request: IncomingMessage): Promise<number | undefined> {
    if (FORWARDED.some((name) => request.headers[name] !== undefined)) return undefined;
    return await this.ofSocket(request.socket);
  }

  /** For a connection with nothing between: no proxy says that it is one. */
  async ofSocket(socket: Socket): Promise<number | undefined> {
    let uid = this.#known.get(socket);
    if (uid === undefined) {
      uid = this.#lookUp(socket);
      this.#known.set(socket, uid);
    }
    return await uid;
  }

  async #lookUp(socket: Socket): Promise<number | undefined> {
    const { remoteAddress, remotePort, localAddress, localPort } = socket;
    if (
      remoteAddress === undefined ||
      remotePort === undefined ||
      localAddress === undefined ||
      localPort === undefined
    ) {
      return undefined;
    }
    return await this.#lookups.run('', {
      peerAddress: remoteAddress,
      peerPort: remotePort,
      ownAddress: localAddress,
      ownPort: localPort,
    });
  }
}
