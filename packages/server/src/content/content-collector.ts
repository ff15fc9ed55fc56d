import type { Sql } from '#engines/database/contract.ts';
import { Deletion, type DeletionDependencies } from '#kernel/content/deletion.ts';
import { releaseHolds, type ReleasedHold } from '#kernel/content/holds.ts';
import { transact } from '#kernel/transaction.ts';

export interface CollectorDependencies extends DeletionDependencies {
  /**
   * Retention of bytes after their last reference, in milliseconds: for readers in progress, and for a restore of an
   * older database.
   */
  readonly graceMs: number;
  /** Age at which partial files of interrupted uploads are removed, in milliseconds; longer than any upload takes. */
  readonly sweepMs: number;
}

/** 24 hours of grace, 48 hours for uploads that are still running. */
export const COLLECTOR_DEFAULTS = { graceMs: 24 * 3_600_000, sweepMs: 48 * 3_600_000 } as const;

export interface CollectionReport {
  /** Upload leases that ended unused. */
  readonly leases: number;
  /** References and leases of projects that no longer exist. */
  readonly abandoned: number;
  readonly blobs: number;
  /** Remains of interrupted puts. */
  readonly remains: number;
}

const BATCH = 500;

/** Deletes unreferenced content. Any number of processes may collect concurrently. */
export class Collector {
  readonly #dependencies: CollectorDependencies;
  readonly #deletion: Deletion;

  constructor(dependencies: CollectorDependencies) {
    this.#dependencies = dependencies;
    this.#deletion = new Deletion(dependencies);
  }

  /** One round over everything there is to do. @throws DaisError `blobs_unavailable`, `database_unavailable`. */
  async collect(signal: AbortSignal): Promise<CollectionReport> {
    const leases = await this.#repeat(signal, async () => await this.#write(expireLeases));
    const abandoned = await this.#repeat(signal, async () => await this.#write(forgetProjects));
    let blobs = await this.#repeat(signal, async () => {
      return await this.#deletion.finish(await this.#deletion.claimUnfinished(BATCH));
    });
    for (let more = true; more && !signal.aborted;) {
      const { settled, claim } = await this.#deletion.claimGarbage(this.#dependencies.graceMs, BATCH);
      blobs += await this.#deletion.finish(claim);
      more = settled === BATCH;
    }
    const remains = signal.aborted ? 0 : await this.#dependencies.blobs.sweep(this.#dependencies.sweepMs);
    return { leases, abandoned, blobs, remains };
  }

  async #write<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
    return await transact(this.#dependencies.database, { mode: 'write', projectId: 'all' }, ({ sql }) => work(sql));
  }

  /** Until a turn has nothing to do. */
  async #repeat(signal: AbortSignal, turn: () => Promise<number>): Promise<number> {
    let total = 0;
    for (let done = 1; done > 0 && !signal.aborted; total += done) done = await turn();
    return total;
  }
}

async function expireLeases(sql: Sql): Promise<number> {
  const gone = await sql.query<ReleasedHold>(
    `delete from kernel.upload_lease where id in (
       select id from kernel.upload_lease where expires_at < clock_timestamp() limit ${BATCH} for update skip locked)
     returning project_id, locator`,
    [],
    'content_expire',
  );
  await releaseHolds(sql, gone);
  return gone.length;
}

/** A deleted project references nothing. Its usage row is deleted last. */
async function forgetProjects(sql: Sql): Promise<number> {
  const [gone] = await sql.query<{ project_id: string }>(
    `select project_id from kernel.blob_usage u
     where not exists (select from kernel.tenant t where t.id = u.project_id) limit 1`,
    [],
    'content_gone_project',
  );
  if (gone === undefined) return 0;
  const references = await sql.query<ReleasedHold>(
    `delete from kernel.blob_ref where (project_id, owner, name) in (
       select project_id, owner, name from kernel.blob_ref where project_id = $1 limit ${BATCH})
     returning project_id, locator`,
    [gone.project_id],
  );
  const leases = await sql.query<ReleasedHold>(
    'delete from kernel.upload_lease where project_id = $1 returning project_id, locator',
    [gone.project_id],
  );
  const held = [...references, ...leases];
  await releaseHolds(sql, held);
  if (held.length === 0) await sql.query('delete from kernel.blob_usage where project_id = $1', [gone.project_id]);
  return Math.max(held.length, 1);
}
