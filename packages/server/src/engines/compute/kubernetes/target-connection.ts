/** The connection of a target to its cluster. Its configuration is read again from time to time, because credentials are renewed and Secrets change. */
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import { ClusterClient } from '#lib/kubernetes/cluster-client.ts';
import type { ClusterConfig } from '#lib/kubernetes/cluster-config.ts';
import { ClusterNodes } from './cluster-nodes.ts';
import { CALL_MS } from './kubernetes-compute.ts';

export interface ClusterConnection {
  /** Text that the configuration was read from: when it differs, Dais connects again. */
  readonly source: string;
  readonly config: ClusterConfig;
}

export interface Connected extends ClusterConnection {
  readonly client: ClusterClient;
}

export interface TargetConnectionOptions {
  /** Reads the configuration. @throws DaisError with what to change */
  readonly connect: () => Promise<ClusterConnection>;
  /** Environment of credential programs. */
  readonly environment: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** The configuration differs: what was opened with the old one is of no use. */
  readonly changed: () => void;
}

interface WatchedNodes {
  readonly source: string;
  readonly client: ClusterClient;
  readonly nodes: ClusterNodes;
}

/** A changed kubeconfig applies after this time. */
const MAX_AGE_MS = 60_000;

export class TargetConnection {
  readonly #options: TargetConnectionOptions;
  #known: Connected | undefined;
  #readAt = -Infinity;
  #reading: Promise<Connected> | undefined;
  #watched: WatchedNodes | undefined;
  readonly #closing = new Set<Promise<void>>();
  #isClosed = false;

  constructor(options: TargetConnectionOptions) {
    this.#options = options;
  }

  /** `isFresh`: reads the configuration again. Concurrent calls share one read. */
  async get({ isFresh = false }: { readonly isFresh?: boolean } = {}): Promise<Connected> {
    const known = this.#known;
    if (known !== undefined && !isFresh && this.#options.clock.now() - this.#readAt < MAX_AGE_MS) return known;
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined));
    return await this.#reading;
  }

  /** Returns the nodes of the cluster, from a watch that starts with the first call. */
  nodes({ source, config }: Connected): ClusterNodes {
    if (this.#watched?.source === source) return this.#watched.nodes;
    this.closeNodes();
    const { environment, clock, random, log } = this.#options;
    const client = new ClusterClient({ config, clock, environment });
    const nodes = new ClusterNodes({ client, clock, random, log });
    this.#watched = { source, client, nodes };
    if (this.#isClosed) this.closeNodes();
    return nodes;
  }

  /** Ends the watch of the nodes while nobody needs it. */
  closeNodes(): void {
    const watched = this.#watched;
    if (watched === undefined) return;
    this.#watched = undefined;
    const closing = watched.nodes.close().finally(() => {
      watched.client.close();
      this.#closing.delete(closing);
    });
    this.#closing.add(closing);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.closeNodes();
    this.#known?.client.close();
    await Promise.all(this.#closing);
  }

  async #read(): Promise<Connected> {
    const { connect, environment, clock, changed } = this.#options;
    const connection = await connect();
    this.#readAt = clock.now();
    const known = this.#known;
    if (known?.source === connection.source) return known;
    const client = new ClusterClient({
      config: connection.config,
      clock,
      environment,
      limits: { requestMs: CALL_MS },
    });
    const connected = { ...connection, client };
    this.#known = connected;
    if (this.#isClosed) client.close();
    if (known !== undefined) {
      known.client.close();
      changed();
    }
    return connected;
  }
}
