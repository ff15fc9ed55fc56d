import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { Coalescer } from '#lib/concurrency/coalesce.ts';
import type { SocketDiagnosis } from '#lib/system/socket-diagnosis.ts';
import { peerUid, readTcpTable, type Connection } from '#lib/system/tcp-table.ts';

/** Headers that a proxy adds: the connection is then the proxy's, and its uid does not identify the caller. */
const FORWARDED = ['x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'forwarded', 'via'];

/**
 * Returns the uid at the other end of a loopback connection, looked up once per connection. A query for one socket
 * takes 5 µs. Where it is not available, the table of all sockets takes milliseconds: one read of it serves all
 * connections that arrive meanwhile.
 */
export class PeerUids {
  readonly #diagnosis: SocketDiagnosis | undefined;
  readonly #known = new WeakMap<Socket, Promise<number | undefined>>();
  readonly #lookups = new Coalescer<Connection, number | undefined>(1000, async (_key, connections) => {
    const table = await readTcpTable(new Set(connections.map(({ peerPort }) => peerPort)));
    return connections.map((connection) => ({ value: peerUid(table, connection) }));
  });

  constructor(diagnosis?: SocketDiagnosis) {
    this.#diagnosis = diagnosis;
  }

  async of(request: IncomingMessage): Promise<number | undefined> {
    if (FORWARDED.some((name) => request.headers[name] !== undefined)) return undefined;
    return await this.ofSocket(request.socket);
  }

  /** For requests without proxy headers. */
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
    const connection = {
      peerAddress: remoteAddress,
      peerPort: remotePort,
      ownAddress: localAddress,
      ownPort: localPort,
    };
    const owner = this.#diagnosis?.peerOwner(connection);
    return owner === undefined ? await this.#lookups.run('', connection) : owner.uid;
  }
}
