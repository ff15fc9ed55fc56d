/**
 * Collection on all nodes: only the node of a gateway can read its segments. Each node records until when it has collected, by
 * the clock of the database, and work that needs all predictions waits for the other live nodes.
 */
import type { Database, Sql } from '#engines/database/contract.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { registeredGateways, type RegisteredGateway, type ThisNode } from '#ledgers/nodes/index.ts';
import type { Clock } from '#lib/clock.ts';
import type { Collector } from './collect.ts';
import { repeatErasures } from './erase.ts';

/** PostgreSQL channel on which a node requests collections of the others. A hint only: they also collect from time to time. */
export const COLLECT_CHANNEL = 'dais_collect';

/** Longest wait for live nodes: four of their collections. */
const WAIT_MS = 60_000;
const POLL_MS = 250;

export interface NodeCollectionsDependencies {
  readonly database: Database;
  readonly self: ThisNode;
  readonly clock: Clock;
  /** Set by tests. */
  readonly waitMs?: number | undefined;
}

/** Hosts of nodes that have not collected. */
export interface MissingCollections {
  /** Live nodes that did not collect in time. */
  readonly late: readonly string[];
  /** Nodes that do not run. */
  readonly gone: readonly RegisteredGateway[];
}

const NONE: MissingCollections = { late: [], gone: [] };

export class NodeCollections {
  readonly #dependencies: NodeCollectionsDependencies;
  readonly #collector: Collector;

  constructor(dependencies: NodeCollectionsDependencies, collector: Collector) {
    this.#dependencies = dependencies;
    this.#collector = collector;
  }

  /** Collects on this node, records it for other nodes, and repeats erasures that this node missed. */
  async collect(signal: AbortSignal): Promise<void> {
    const { self } = this.#dependencies;
    const node = self.id();
    if (node === undefined || self.liveCount() < 2) {
      await this.#collector.collect(signal);
      if (node !== undefined) await this.#run(async (tx) => await repeatErasures(tx, node));
      return;
    }
    // Everything that was captured before it is collected.
    const until = await this.#run(async ({ sql }) => await databaseTime(sql));
    await this.#collector.collect(signal);
    await this.#run(async (tx) => {
      await tx.sql.query(
        `insert into predictions.collection as c (node, collected_until) values ($1, $2::timestamptz)
         on conflict (node) do update set collected_until = excluded.collected_until
           where c.collected_until < excluded.collected_until`,
        [node, until],
        'record_collection',
      );
      await repeatErasures(tx, node);
    });
  }

  /**
   * Collects on this node, and waits until the other live nodes have collected everything from before `until` (in ms; default:
   * now), for at most a minute.
   */
  async collectEverywhere(signal: AbortSignal, until?: number): Promise<MissingCollections> {
    const { self, clock, waitMs = WAIT_MS } = this.#dependencies;
    await this.#collector.collect(signal);
    const id = self.id();
    if (id === undefined) return NONE;
    const now = await this.#run(async ({ sql }) => await databaseTime(sql));
    // Where the clock of this node is ahead of the database, no node can have collected until then.
    const since = until === undefined ? now : new Date(Math.min(until, Date.parse(now))).toISOString();
    const end = clock.now() + waitMs;
    for (let isRequested = false; ;) {
      signal.throwIfAborted();
      const missing = await this.#run(async ({ sql }) => await findMissing(sql, id, since));
      const waiting = missing.filter(({ isLive }) => isLive);
      if (waiting.length === 0 || clock.now() >= end) {
        return { late: waiting.map(({ host }) => host), gone: missing.filter(({ isLive }) => !isLive) };
      }
      if (!isRequested) await this.#run(async ({ sql }) => void (await sql.query(REQUEST, [], 'request_collections')));
      isRequested = true;
      await new Promise<void>((resolve) => void clock.after(POLL_MS, resolve));
    }
  }

  async #run<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    return await transact(this.#dependencies.database, { mode: 'write', projectId: 'all' }, work);
  }
}

const REQUEST = `select pg_notify('${COLLECT_CHANNEL}', '') is null as requested`;

async function databaseTime(sql: Sql): Promise<string> {
  const [row] = await sql.query<{ now: Date }>('select clock_timestamp() as now', [], 'database_clock');
  return (row?.now ?? new Date(0)).toISOString();
}

/** Returns the other nodes that have not collected everything from before `since`. */
async function findMissing(sql: Sql, self: string, since: string): Promise<readonly RegisteredGateway[]> {
  const others = (await registeredGateways(sql)).filter(({ id }) => id !== self);
  if (others.length === 0) return [];
  const rows = await sql.query<{ node: string }>(
    'select node from predictions.collection where collected_until >= $1::timestamptz and node = any($2::uuid[])',
    [since, others.map(({ id }) => id)],
    'collections_since',
  );
  const done = new Set(rows.map(({ node }) => node));
  return others.filter(({ id }) => !done.has(id));
}
