import type { Database, Sql } from '#engines/database/contract.ts';
import { COMMITTED_CHANNEL } from '#kernel/events.ts';
import { leaseOf, LeaseLost, type Lease } from '#kernel/leases.ts';
import { Loop, type LoopDependencies } from '#lib/concurrency/loop.ts';

/** PostgreSQL channel for notifications of the sequencer. Only a hint. */
export const SEQUENCED_CHANNEL = 'dais_sequenced';

const LEASE_MS = 6000;
const BATCH = 1000;

/**
 * Assigns one order to committed events. Ids are assigned before commit, so a reader that remembers the highest id
 * would miss events that commit later with a lower one. One process at a time (fenced by its lease) numbers the visible
 * events in batches. Because only it writes `seq`, and only for committed events, a reader past `seq = n` never gets a
 * new event at or below n.
 */
export class Sequencer {
  readonly #database: Database;
  readonly #loop: Loop;
  readonly #lease: ReturnType<typeof leaseOf>;

  constructor(database: Database, holder: string, dependencies: LoopDependencies) {
    this.#database = database;
    this.#lease = leaseOf(database, 'sequencer', holder, LEASE_MS, dependencies);
    // A limit of 1 s holds even if every NOTIFY is lost. Without the minimum interval, an iteration for each of many
    // small writes costs as much CPU as the writes.
    const times = { pollMs: LEASE_MS / 3, gapMs: 100, onPause: () => this.#lease.release() };
    this.#loop = new Loop('sequencer', { ...dependencies, ...times }, () => this.#turn());
  }

  async start(): Promise<void> {
    await this.#loop.start((ring) => this.#database.poll(COMMITTED_CHANNEL, hasUnsequenced, ring));
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    await this.#lease.release();
  }

  get leading(): boolean {
    return this.#lease.current !== undefined;
  }

  /** Numbers one batch. True when there may be more. */
  async #turn(): Promise<boolean> {
    const lease = await this.#lease.keep();
    if (lease === undefined) return false;
    try {
      return (await sequenceBatch(this.#database, lease)) === BATCH;
    } catch (error) {
      if (!(error instanceof LeaseLost)) throw error;
      // A paused process lost it: no fault. The next turn acquires it again, or leaves the work to the new holder.
      this.#lease.lose();
      return true;
    }
  }
}

async function hasUnsequenced(sql: Sql): Promise<boolean> {
  const read = 'select exists (select from kernel.event where seq is null) as "any"';
  const [row] = await sql.query<{ any: boolean }>(read, [], 'any_unsequenced');
  return row?.any === true;
}

/**
 * Numbers up to 1,000 unsequenced events; returns their number. One statement, because this runs after almost every
 * write: the numbering statement itself checks the lease (like `guardedWrite`). The condition that events have no
 * number is repeated, because only then PostgreSQL uses the index of unsequenced events; otherwise each batch would
 * read every event. @throws LeaseLost
 */
export async function sequenceBatch(database: Database, lease: Lease): Promise<number> {
  const [row] = await database.statement<{ n: number; held: boolean }>(
    { mode: 'write', scope: 'all' },
    `with lease as materialized (
       select 1 from kernel.lease
       where name = $1 and owner = $2 and epoch = $3 and expires_at > clock_timestamp() for share
     ), batch as (
       select id, at, row_number() over (order by id) as n
       from (select id, at from kernel.event where seq is null order by id limit ${BATCH}) e where exists (select from lease)
     ), base as (
       select seq from kernel.cursor where exists (select from lease) for update
     ), numbered as (
       update kernel.event e set seq = base.seq + batch.n from batch, base
       where e.id = batch.id and e.at = batch.at and e.seq is null returning 1
     ), counted as (select count(*)::int as n from numbered), moved as (
       update kernel.cursor c set seq = c.seq + counted.n from counted where counted.n > 0
       returning pg_notify('${SEQUENCED_CHANNEL}', '')
     )
     select n, exists (select from lease) as held from counted, (select count(*) from moved) m`,
    [lease.name, lease.holder, lease.epoch],
    'sequence_batch',
  );
  if (row?.held !== true) throw new LeaseLost(lease.name);
  return row.n;
}
