import { addAbortSignal, type Readable } from 'node:stream';
import { DaisError } from '@dais/api';
import type { BlobStore, ByteRange, ExpectedBytes, LocalBlobs, StagedBlob } from '#engines/blobs/contract.ts';
import { Deletion, type DeletionDependencies } from '#kernel/content/deletion.ts';
import { clearDamage, findReadable } from '#kernel/content/damage.ts';
import { addHold, adoptBlobs, releaseHolds } from '#kernel/content/holds.ts';
import {
  contentLabel,
  findReference,
  listReferences,
  type ContentInfo,
  type ContentOwner,
  type ContentPage,
} from '#kernel/content/references.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';

export interface ContentDependencies extends DeletionDependencies {
  /** How long uploaded content waits to be attached, in milliseconds; also the longest time that storing may take. */
  readonly leaseMs: number;
}

/** 6 hours to attach what was uploaded; 30 seconds to delete what was claimed. */
export const CONTENT_DEFAULTS = { leaseMs: 6 * 3_600_000, claimMs: 30_000 } as const;

export interface UploadRequest extends ExpectedBytes {
  readonly projectId: string;
  /** Bytes that the project may hold, each content counted once; null: no limit. */
  readonly quota: number | null;
  /** The purpose of the upload, so that `releaseOrigin` finds it after a crash. */
  readonly origin?: string;
  /** Ends the upload, which leaves nothing then. */
  readonly signal?: AbortSignal;
}

/** Uploaded content without an owner. The client that uploaded it may see its id. */
export interface UploadLease {
  readonly id: string;
  readonly projectId: string;
  readonly size: number;
  readonly sha256: string;
}

const WAIT_STEP_MS = 50;

interface Reservation {
  /** Of the lease. */
  readonly id: string;
  /** The store is known to have other bytes under the same locator. */
  readonly isDamaged: boolean;
}

/**
 * Bytes with owners: uploaded under a lease, attached to an owner under a name in the owner's transaction (see
 * `attachContent`, `linkContent`, `detachContent`), and read by owner and name. A locator or digest never grants access
 * to the bytes.
 */
export class Content {
  readonly #dependencies: ContentDependencies;
  readonly #blobs: BlobStore & Partial<LocalBlobs>;
  readonly #deletion: Deletion;

  constructor(dependencies: ContentDependencies) {
    this.#dependencies = dependencies;
    this.#blobs = dependencies.blobs;
    this.#deletion = new Deletion(dependencies);
  }

  /**
   * Stores the bytes of `source`. They count against the quota immediately; without an owner at the end of the lease
   * they are garbage.
   * @throws DaisError `quota_exceeded`, `too_large`, `digest_mismatch`, `storage_full`, `blobs_unavailable`,
   * `database_unavailable`; the source's own error; an `AbortError` when `signal` aborts.
   */
  async upload(source: Readable, request: UploadRequest): Promise<UploadLease> {
    const { clock, leaseMs } = this.#dependencies;
    const { signal } = request;
    if (signal !== undefined) addAbortSignal(signal, source);
    const staged = await this.#stage(source, request);
    try {
      signal?.throwIfAborted();
      const { id, isDamaged } = await this.#reserve(staged, request);
      const lease = { id, projectId: request.projectId, size: staged.size, sha256: staged.sha256 };
      try {
        // Only now: from the row on, the collector leaves the content alone, and a crash leaves a lease that ends.
        const reservedAt = clock.now();
        await staged.commit();
        if (isDamaged) await clearDamage(this.#dependencies.database, staged.locator);
        if (clock.now() - reservedAt > leaseMs / 2) await this.#renew(lease, staged);
        return lease;
      } catch (error) {
        await this.release(lease).catch(() => {});
        throw error;
      }
    } catch (error) {
      await staged.discard();
      throw error;
    }
  }

  /** Releases an upload immediately, so that it no longer counts. Idempotent. */
  async release({ id, projectId }: Pick<UploadLease, 'id' | 'projectId'>): Promise<void> {
    await this.#releaseWhere('id', id, projectId);
  }

  /** What no quota admits is not read to its end: an upload must not fill the disk only to be refused. */
  async #stage(source: Readable, request: UploadRequest): Promise<StagedBlob> {
    const { quota, maxBytes = Infinity } = request;
    if (quota === null || quota >= maxBytes) return await this.#blobs.stage(source, request);
    try {
      return await this.#blobs.stage(source, { ...request, maxBytes: quota });
    } catch (error) {
      if (!(error instanceof DaisError) || error.code !== 'too_large') throw error;
      throw new DaisError('quota_exceeded', `the content is larger than the quota of the project, ${quota} bytes`);
    }
  }

  /** Releases every upload of this origin that has no owner. Idempotent. */
  async releaseOrigin(projectId: string, origin: string): Promise<void> {
    await this.#releaseWhere('origin', origin, projectId);
  }

  async #releaseWhere(column: 'id' | 'origin', value: string, projectId: string): Promise<void> {
    await transact(this.#dependencies.database, { mode: 'write', projectId }, async ({ sql }) => {
      const gone = await sql.query<{ project_id: string; locator: string }>(
        `delete from kernel.upload_lease where ${column} = $1 and project_id = $2 returning project_id, locator`,
        [value, projectId],
      );
      await releaseHolds(sql, gone);
    });
  }

  /** Free bytes of the disk of the store; undefined for a remote store. */
  async freeBytes(): Promise<number | undefined> {
    return await this.#blobs.freeBytes?.();
  }

  /** @throws DaisError `not_found`. */
  async stat(owner: ContentOwner, name: string): Promise<ContentInfo> {
    const found = await this.#read(owner, async (tx) => await findReference(tx, { ...owner, name }));
    return { name, size: found.size, sha256: found.sha256 };
  }

  /** See `listReferences`. */
  async list(owner: ContentOwner, page: ContentPage): Promise<ContentInfo[]> {
    return await this.#read(owner, async (tx) => await listReferences(tx, owner, page));
  }

  /**
   * Returns the bytes under a name, whole or as an inclusive range.
   * @throws DaisError `not_found` (no such name), `range_not_satisfiable`, `content_missing` (the store lost them),
   * `content_damaged`, `blobs_unavailable`. The stream fails with `content_damaged` before its last bytes.
   */
  async open(
    owner: ContentOwner,
    name: string,
    range?: ByteRange,
  ): Promise<{ readonly info: ContentInfo; readonly bytes: Readable }> {
    const found = await this.#read(owner, async (tx) => await findReadable(tx, { ...owner, name }));
    if (range !== undefined && !(0 <= range.start && range.start <= range.end && range.end < found.size)) {
      const detail = `bytes ${range.start}-${range.end} of ${name}, which has ${found.size}`;
      throw new DaisError('range_not_satisfiable', detail);
    }
    const isWhole = range === undefined || range.end - range.start + 1 === found.size;
    const bytes = await this.#blobs.get(found.locator, isWhole ? undefined : range, contentLabel(owner, name));
    return { info: { name, size: found.size, sha256: found.sha256 }, bytes };
  }

  /** Bytes of a project, each content once. */
  async usage(projectId: string): Promise<number> {
    return await this.#read({ projectId }, async ({ sql }) => {
      const rows = await sql.query<{ bytes: bigint }>(
        'select bytes from kernel.blob_usage where project_id = $1',
        [projectId],
        'content_usage',
      );
      return Number(rows[0]?.bytes ?? 0n);
    });
  }

  async #read<T>(owner: { readonly projectId: string }, work: (tx: Transaction) => Promise<T>): Promise<T> {
    return await transact(this.#dependencies.database, { mode: 'read', projectId: owner.projectId }, work);
  }

  /** Writes row, hold and lease; waits for a deletion of the same content to end first. */
  async #reserve(staged: StagedBlob, request: UploadRequest): Promise<Reservation> {
    const { clock, claimMs } = this.#dependencies;
    const giveUp = clock.now() + 2 * claimMs;
    for (;;) {
      const lease = await this.#tryReserve(staged, request);
      if (lease !== undefined) return lease;
      const abandoned = await this.#deletion.claimUnfinished(1, staged.locator);
      if ((await this.#deletion.finish(abandoned)) > 0) continue;
      if (clock.now() > giveUp) {
        throw new DaisError('blobs_unavailable', 'the same content is being deleted', { retryAfter: 5 });
      }
      await new Promise<void>((resolve) => void clock.after(WAIT_STEP_MS, resolve));
    }
  }

  /** For uploads that took so long that their lease may have expired and their row may be deleted. */
  async #renew(lease: UploadLease, staged: StagedBlob): Promise<void> {
    const request = { mode: 'write', projectId: lease.projectId } as const;
    const renewed = await transact(this.#dependencies.database, request, async ({ sql }) => {
      const rows = await sql.query(
        `update kernel.upload_lease set expires_at = clock_timestamp() + $2 * interval '1 millisecond'
         where id = $1 returning 1`,
        [lease.id, this.#dependencies.leaseMs],
        'content_renew',
      );
      // Creates a row for bytes without one, so that they are collected.
      if (rows.length === 0) await adoptBlobs(sql, [staged]);
      return rows.length > 0;
    });
    if (!renewed)
      throw new DaisError('blobs_unavailable', 'storing the content took longer than its lease; upload it again');
  }

  /** Undefined when the content is being deleted. */
  async #tryReserve(staged: StagedBlob, request: UploadRequest): Promise<Reservation | undefined> {
    const { database, leaseMs, clock } = this.#dependencies;
    const { projectId, quota, origin } = request;
    return await transact(database, { mode: 'write', projectId }, async ({ sql }) => {
      const [row] = await sql.query<{ damaged: boolean }>(
        `insert into kernel.blob as b (locator, digest, size) values ($1, decode($2, 'hex'), $3)
         on conflict (locator) do update
           set touched_at = clock_timestamp(), digest = excluded.digest, size = excluded.size
           where b.state <> 'deleting'
         returning exists (select from kernel.blob_damage d where d.locator = b.locator) as damaged`,
        [staged.locator, staged.sha256, staged.size],
        'content_reserve',
      );
      if (row === undefined) return undefined;
      await addHold(sql, { projectId, locator: staged.locator, size: staged.size, quota });
      const id = uuidv7(clock.now());
      await sql.query(
        `insert into kernel.upload_lease (id, project_id, locator, expires_at, origin)
         values ($1, $2, $3, clock_timestamp() + $4 * interval '1 millisecond', $5)`,
        [id, projectId, staged.locator, leaseMs, origin ?? null],
        'content_lease',
      );
      return { id, isDamaged: row.damaged };
    });
  }
}
