import type { Database } from '#engines/database/contract.ts';
import { readEvents, type SequencedEvent } from '#kernel/events.ts';
import { acquireLease, guardedWrite, LeaseLost, releaseLease, type Lease } from '#kernel/leases.ts';
import { Loop, type LoopDependencies } from '#lib/concurrency/loop.ts';
import { SEQUENCED_CHANNEL } from '#kernel/sequencer.ts';
import type { Transaction } from '#kernel/transaction.ts';

/**
 * The outbox: a subscriber gets every event in commit order. Writes of `handle` commit together with the position, so
 * each event has its effect in the database exactly once; calls to other systems go through a job.
 */
export interface Subscriber {
  readonly name: string;
  /** A new subscriber starts with the oldest stored event instead of at the present. */
  readonly fromStart?: true;
  /** Most events in one transaction; default 200. */
  readonly batch?: number;
  /** Only events of these types are read; default: all. */
  readonly types?: readonly string[];
  handle(tx: Transaction, events: readonly SequencedEvent[]): Promise<void>;
}

const LEASE_MS = 15_000;
/** Positions that one pass scans, for a subscriber that receives only some event types. */
const MAX_SCANNED = 20_000n;
/**
 * Reads the position and moves it to the end if no event after it has one of the types. That needs no lease, because it has no other
 * effect, and no durable commit, because it can be repeated. On an idle server, it writes nothing.
 */
const POSITION = `with p as (select s.seq, c.seq as end from kernel.subscription s, kernel.cursor c where s.name = $1), skipped as (
  update kernel.subscription s set seq = p.end from p where s.name = $1 and s.seq = p.seq and p.seq < p.end and p.end - p.seq <= 20000
    and not exists (select from kernel.event e where e.seq > p.seq and e.seq <= p.end and ($2::text[] is null or e.type = any($2)))
  returning set_config('synchronous_commit', 'off', true)) select seq, p.end, exists (select from skipped) as skipped from p`;

export class Subscription {
  readonly #database: Database;
  readonly #holder: string;
  readonly #subscriber: Subscriber;
  readonly #loop: Loop;
  readonly #now: () => number;
  #lease: Lease | undefined;
  #renewedAt = 0;

  constructor(database: Database, holder: string, dependencies: LoopDependencies, subscriber: Subscriber) {
    this.#database = database;
    this.#holder = holder;
    this.#subscriber = subscriber;
    this.#now = () => dependencies.clock.now();
    // Nothing waits for the effects, and a transaction for each of many small writes costs as much CPU as the writes.
    const times = { pollMs: 1000, gapMs: 250 };
    this.#loop = new Loop(`subscriber ${subscriber.name}`, { ...dependencies, ...times }, () => this.#turn());
  }

  async start(): Promise<void> {
    await this.#loop.start((ring) => this.#database.listen(SEQUENCED_CHANNEL, ring));
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    if (this.#lease !== undefined) await releaseLease(this.#database, this.#lease).catch(() => {});
  }

  async #turn(): Promise<boolean> {
    const { name, types = null } = this.#subscriber;
    if (this.#lease === undefined || this.#now() - this.#renewedAt > LEASE_MS / 3) {
      this.#lease = await acquireLease(this.#database, `subscription/${name}`, this.#holder, LEASE_MS);
      this.#renewedAt = this.#now();
    }
    if (this.#lease === undefined) return false;
    const [position] = await this.#database.statement<{ seq: bigint; end: bigint; skipped: boolean }>(
      { mode: 'write', scope: 'all' },
      POSITION,
      [name, types],
      'subscription_position',
    );
    if (position === undefined) return await this.#begin();
    if (position.skipped || position.seq >= position.end) return false;
    try {
      // No other process moves the position under the same lease.
      return await guardedWrite(this.#database, this.#lease, (tx) => this.#deliver(tx, position));
    } catch (error) {
      if (error instanceof LeaseLost) this.#lease = undefined;
      throw error;
    }
  }

  /** A new subscriber starts at the present by default, so that it does not receive all past events. */
  async #begin(): Promise<true> {
    await this.#database.statement(
      { mode: 'write', scope: 'all' },
      'insert into kernel.subscription select $1, case when $2 then oldest else seq end from kernel.cursor on conflict do nothing',
      [this.#subscriber.name, this.#subscriber.fromStart === true],
    );
    return true;
  }

  /**
   * From `seq` to `end`, both positions in the order of events, or as far as one transaction reads. Returns true if
   * more are left.
   */
  async #deliver(tx: Transaction, { seq, end }: { readonly seq: bigint; readonly end: bigint }): Promise<boolean> {
    const { name, batch = 200, types } = this.#subscriber;
    const until = types !== undefined && end - seq > MAX_SCANNED ? seq + MAX_SCANNED : end;
    const events = await readEvents(tx.sql, seq, batch, until, types);
    const moved = events.length === batch ? events.at(-1)!.seq : until;
    if (events.length > 0) await this.#subscriber.handle(tx, events);
    await tx.enter('all');
    tx.sql.defer('update kernel.subscription set seq = $2 where name = $1', [name, moved], 'subscription_moved');
    return moved < end;
  }
}
