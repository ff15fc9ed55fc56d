import type { Database } from '#engines/database/contract.ts';
import { readEvents, type SequencedEvent } from '#kernel/events.ts';
import { guardedWrite, leaseOf, LeaseLost } from '#kernel/leases.ts';
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
const BATCH = 200;
/** Positions that one pass scans, for a subscriber that receives only some event types. */
const MAX_SCANNED = 20_000n;
/**
 * Nothing waits for the effects of subscribers. A transaction for each of many small writes costs as much CPU as the writes, so
 * there is a minimum interval between two. Polls only replace lost notifications: once per second, those of four subscribers were a
 * quarter of the 17 transactions per second of an idle server. They also extend the lease.
 */
const TIMES = { pollMs: LEASE_MS / 3, gapMs: 250 };

export class Subscription {
  readonly #database: Database;
  readonly #subscriber: Subscriber;
  readonly #loop: Loop;
  readonly #lease: ReturnType<typeof leaseOf>;

  constructor(database: Database, holder: string, dependencies: LoopDependencies, subscriber: Subscriber) {
    this.#database = database;
    this.#subscriber = subscriber;
    this.#lease = leaseOf(database, `subscription/${subscriber.name}`, holder, LEASE_MS, dependencies);
    const options = { ...dependencies, ...TIMES, onPause: () => this.#lease.release() };
    this.#loop = new Loop(`subscriber ${subscriber.name}`, options, () => this.#turn());
  }

  async start(): Promise<void> {
    await this.#loop.start((ring) => this.#database.listen(SEQUENCED_CHANNEL, ring));
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
    await this.#lease.release();
  }

  async #turn(): Promise<boolean> {
    const lease = await this.#lease.keep();
    if (lease === undefined) return false;
    // A check that writes nothing: on an idle server each pass ends here.
    const [position] = await this.#database.statement<{ seq: bigint; end: bigint }>(
      { mode: 'read', scope: 'all' },
      'select s.seq, c.seq as end from kernel.subscription s, kernel.cursor c where s.name = $1',
      [this.#subscriber.name],
      'subscription_place',
    );
    if (position === undefined) return await this.#begin();
    if (position.seq >= position.end) return false;
    try {
      // No other process moves the position under the same lease.
      return await guardedWrite(this.#database, lease, (tx) => this.#deliver(tx, position));
    } catch (error) {
      if (!(error instanceof LeaseLost)) throw error;
      this.#lease.lose();
      return true;
    }
  }

  /** A new subscriber starts at the present by default, so that it does not receive all past events. */
  async #begin(): Promise<true> {
    await this.#database.statement(
      { mode: 'write', scope: 'all' },
      `insert into kernel.subscription (name, seq) select $1, case when $2 then oldest else seq end from kernel.cursor
       on conflict (name) do nothing`,
      [this.#subscriber.name, this.#subscriber.fromStart === true],
    );
    return true;
  }

  /**
   * From `seq` to `end`, both positions in the order of events, or as far as one transaction reads. Returns true if
   * more are left.
   */
  async #deliver(tx: Transaction, { seq, end }: { readonly seq: bigint; readonly end: bigint }): Promise<boolean> {
    const { name, batch = BATCH, types } = this.#subscriber;
    const until = types !== undefined && end - seq > MAX_SCANNED ? seq + MAX_SCANNED : end;
    const events = await readEvents(tx.sql, seq, batch, until, types);
    const moved = events.length === batch ? events.at(-1)!.seq : until;
    if (events.length > 0) await this.#subscriber.handle(tx, events);
    await tx.enter('all');
    tx.sql.defer('update kernel.subscription set seq = $2 where name = $1', [name, moved], 'subscription_moved');
    return moved < end;
  }
}
