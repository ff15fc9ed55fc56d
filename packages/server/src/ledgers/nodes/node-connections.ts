/** Connections of this node to other nodes, and what it needs to accept theirs. */
import type { Readable } from 'node:stream';
import type { Database } from '#engines/database/contract.ts';
import { transact } from '#kernel/transaction.ts';
import type { Clock } from '#lib/clock.ts';
import type { NodeTls } from '#lib/node-tls/certificates.ts';
import {
  openFromNode,
  requestNode,
  type NodeAddress,
  type NodeRequest,
  type NodeResponse,
} from '#lib/node-tls/node-client.ts';
import type { NodeCredentials } from './certificates/node-credentials.ts';
import { isRegistered } from './node-rows.ts';

interface ConnectionDependencies {
  readonly database: Database;
  readonly clock: Clock;
}

/** A node that was removed is refused at most this long after that. */
const KNOWN_MS = 5000;
const MAX_KNOWN = 4096;

export class NodeConnections {
  readonly #dependencies: ConnectionDependencies;
  readonly #credentials: NodeCredentials;
  readonly #announce: () => void;
  readonly #known = new Map<string, { readonly isMember: boolean; readonly at: number }>();
  #address: { readonly host: string; readonly port: number } | undefined;

  constructor(dependencies: ConnectionDependencies, credentials: NodeCredentials, announce: () => void) {
    this.#dependencies = dependencies;
    this.#credentials = credentials;
    this.#announce = announce;
  }

  /** Where other nodes reach this one; undefined: they do not. */
  get address() {
    return this.#address;
  }

  /** Makes the address known to other nodes. */
  setAddress(address: { readonly host: string; readonly port: number } | undefined): void {
    this.#address = address;
    this.#announce();
  }

  /** The certificate of this node; `changed` is called with each later one. @throws DaisError `keys_unavailable`. */
  async tls(changed: (tls: NodeTls) => void): Promise<NodeTls> {
    const tls = await this.#credentials.get();
    this.#credentials.listen(changed);
    return tls;
  }

  /** @throws Error if the node cannot be reached or authenticated, or does not respond. */
  async request(to: NodeAddress, request: NodeRequest): Promise<NodeResponse> {
    return await requestNode(await this.#credentials.get(), to, request);
  }

  /** Opens what another node returns as a stream. @throws Error as `request` does, and if the status is not 200. */
  async open(to: NodeAddress, path: string): Promise<Readable> {
    return await openFromNode(await this.#credentials.get(), to, path);
  }

  /** Whether the installation has a node. Without the database, the last known result counts; else the certificate suffices. */
  async isMember(node: string): Promise<boolean> {
    const { database, clock } = this.#dependencies;
    const before = this.#known.get(node);
    if (before !== undefined && clock.now() - before.at < KNOWN_MS) return before.isMember;
    try {
      const isMember = await transact(
        database,
        { mode: 'read', projectId: 'all' },
        async ({ sql }) => await isRegistered(sql, node),
      );
      if (this.#known.size >= MAX_KNOWN) this.#known.clear();
      this.#known.set(node, { isMember, at: clock.now() });
      return isMember;
    } catch {
      return before?.isMember ?? true;
    }
  }
}
