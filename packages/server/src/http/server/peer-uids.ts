import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Coalescer } from '#lib/concurrency/coalesce.ts';
import { peerUid, readTcpTable, type Connection } from '#lib/system/tcp-table.ts';

/** Headers that a proxy adds: the connection is then the proxy's, and its uid does not identify the caller. */
const FORWARDED = ['x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'forwarded', 'via'];

/**
 * Returns the uid at the other end of a loopback connection, looked up once per connection. One read of the kernel's
 * table serves all connections that arrive meanwhile: 1,000 concurrent connections cost a few reads.
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

  /** Whether the request has no proxy headers. */
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
