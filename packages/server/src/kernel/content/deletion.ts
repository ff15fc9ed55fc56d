import type { BlobStore } from '#engines/blobs/contract.ts';
import type { Database } from '#engines/database/contract.ts';
import { transact } from '#kernel/transaction.ts';
import type { Clock } from '#lib/clock.ts';
import { uuidv7 } from '#lib/ids.ts';

export interface DeletionDependencies {
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  /**
   * How long a process may take to delete its claimed blobs, in milliseconds. After a crash, a concurrent upload of the
   * same content waits at most so long.
   */
  readonly claimMs: number;
}

/** Blobs that this process alone may delete. */
export interface DeletionClaim {
  readonly id: string;
  readonly locators: readonly string[];
  /** By this process's clock: from then on nothing is sent to the store. Half of the claim, so that what was sent arrives. */
  readonly deadline: number;
}

const DELETES_AT_A_TIME = 8;

/**
 * Deletion in three steps, with a possible crash after each: a transaction marks and claims unreferenced blobs; the
 * store deletes them; a transaction removes their rows. A marked blob never gets a new hold: an upload of the same
 * content waits until the row is removed, and is then stored again. An expired claim is taken by another process;
 * deletion is idempotent.
 */
export class Deletion {
  readonly #dependencies: DeletionDependencies;

  constructor(dependencies: DeletionDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Checks up to `limit` candidates that did not change for `graceMs` and claims the unreferenced ones, unless
   * collection is paused. `settled` is the number of those that are no longer candidates; less than `limit` means that
   * no work is left.
   */
  async claimGarbage(
    graceMs: number,
    limit: number,
  ): Promise<{ readonly settled: number; readonly claim: DeletionClaim }> {
    const claim = this.#newClaim();
    const { settled, locators } = await transact(this.#dependencies.database, ALL, async ({ sql }) => {
      const candidates = await sql.query<{ locator: string }>(
        `select locator from kernel.blob
         where state = 'candidate' and touched_at < clock_timestamp() - $1 * interval '1 millisecond'
         order by touched_at limit $2 for update skip locked`,
        [graceMs, limit],
        'content_candidates',
      );
      const names = candidates.map((row) => row.locator);
      if (names.length === 0) return { settled: 0, locators: [] };
      // Separate statements on purpose: their snapshots see every hold committed before the locks were acquired, and no
      // hold can be added while they are held. The same applies to a pause: a later pause starts after these deletions
      // were decided, on blobs that its backup cannot reference.
      const kept = await sql.query(
        `update kernel.blob b set state = 'kept' where locator = any($1) and exists (
           select from kernel.blob_hold h where h.locator = b.locator and h.holds > 0) returning 1`,
        [names],
        'content_keep',
      );
      const marked = await sql.query<{ locator: string }>(
        `update kernel.blob b set state = 'deleting', claim = $2,
           claim_until = clock_timestamp() + $3 * interval '1 millisecond'
         where locator = any($1) and state = 'candidate'
           and not exists (select from kernel.blob_hold h where h.locator = b.locator and h.holds > 0)
           and not exists (select from kernel.collection_pause where expires_at > clock_timestamp())
         returning locator`,
        [names, claim.id, this.#dependencies.claimMs],
        'content_mark',
      );
      return { settled: kept.length + marked.length, locators: marked.map((row) => row.locator) };
    });
    return { settled, claim: { ...claim, locators } };
  }

  /** Claims the unfinished deletions of other processes: up to `limit`, or one blob. */
  async claimUnfinished(limit: number, locator?: string): Promise<DeletionClaim> {
    const claim = this.#newClaim();
    const rows = await transact(this.#dependencies.database, ALL, async ({ sql }) => {
      return await sql.query<{ locator: string }>(
        `update kernel.blob set claim = $1, claim_until = clock_timestamp() + $2 * interval '1 millisecond'
         where locator in (
           select locator from kernel.blob where state = 'deleting' and claim_until < clock_timestamp()
             and ($4::text is null or locator = $4) limit $3 for update skip locked)
         returning locator`,
        [claim.id, this.#dependencies.claimMs, limit, locator ?? null],
        'content_take_over',
      );
    });
    return { ...claim, locators: rows.map((row) => row.locator) };
  }

  /**
   * Deletes claimed blobs and returns their number. Failed ones stay marked.
   * @throws DaisError `blobs_unavailable`, after the others were deleted.
   */
  async finish(claim: DeletionClaim): Promise<number> {
    if (claim.locators.length === 0) return 0;
    const { blobs, clock, database } = this.#dependencies;
    const abort = new AbortController();
    const cancel = clock.after(Math.max(0, claim.deadline - clock.now()), () => abort.abort());
    const waiting = [...claim.locators];
    const done: string[] = [];
    const work = async (): Promise<void> => {
      for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
        // Checked each time, because the process and its timers can be suspended for minutes.
        if (abort.signal.aborted || clock.now() >= claim.deadline) return;
        await blobs.delete(next, abort.signal);
        done.push(next);
      }
    };
    const results = await Promise.allSettled(Array.from({ length: DELETES_AT_A_TIME }, work));
    cancel();
    await transact(database, ALL, async ({ sql }) => {
      // Counts of 0 from former holders. There are no others: a marked blob cannot have holds.
      await sql.query(
        `delete from kernel.blob_hold h using kernel.blob b
         where b.locator = any($1) and b.claim = $2 and h.locator = b.locator`,
        [done, claim.id],
        'content_forget_holds',
      );
      await sql.query(
        'delete from kernel.blob where locator = any($1) and claim = $2',
        [done, claim.id],
        'content_forget',
      );
    });
    for (const result of results) if (result.status === 'rejected' && !abort.signal.aborted) throw result.reason;
    return done.length;
  }

  #newClaim(): DeletionClaim {
    const now = this.#dependencies.clock.now();
    return { id: uuidv7(now), locators: [], deadline: now + this.#dependencies.claimMs / 2 };
  }
}

const ALL = { mode: 'write', projectId: 'all' } as const;
