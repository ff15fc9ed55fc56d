/** The content of a backup: every object that the exported database refers to, verified while it is copied. */
import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { DamagedContent } from '@dais/api';
import { DaisError } from '@dais/api/errors';
import type { BlobStore, DamageKind } from '#engines/blobs/contract.ts';
import type { Database } from '#engines/database/contract.ts';
import { clearDamage } from '#kernel/content/damage.ts';
import type { NameOwners } from '#kernel/content/owner-names.ts';
import { transact } from '#kernel/transaction.ts';
import { blobPath, type BackupBlob } from './backup-manifest.ts';
import { digesting, writeFileFrom } from './backup-files.ts';
import { markDamaged } from '#content/content-damage.ts';
import { listDamagedContent } from '#content/content-owners.ts';

const PAGE = 500;
/** Damaged objects that an error names. */
const NAMED = 100;

export interface ReferencedBlob {
  readonly locator: string;
  /** Null until the bytes of a direct upload were read. */
  readonly digest: string | null;
  readonly size: number;
  /** False for an upload without an owner. */
  readonly referred: boolean;
}

/**
 * Read after the export: while collection is paused, all content of the exported moment still has a hold or is kept.
 */
export async function* referencedBlobs(database: Database): AsyncGenerator<ReferencedBlob> {
  for (let after = ''; ;) {
    const page = await transact(database, { mode: 'read', projectId: 'all' }, async ({ sql }) =>
      sql.query<{ locator: string; digest: string | null; size: bigint; referred: boolean }>(
        `select locator, encode(digest, 'hex') as digest, size,
           exists (select from kernel.blob_ref r where r.locator = b.locator) as referred
         from kernel.blob b where locator > $1 and state <> 'deleting' order by locator limit ${PAGE}`,
        [after],
      ),
    );
    for (const row of page) yield { ...row, size: Number(row.size) };
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last.locator;
  }
}

export interface BlobCopierDependencies {
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly folder: string;
  /** Continues without damaged objects. */
  readonly skipDamaged: boolean;
}

/** Copies objects into a backup and records damaged ones. */
export class BlobCopier {
  readonly #dependencies: BlobCopierDependencies;
  readonly #damaged: { readonly blob: ReferencedBlob; readonly kind: DamageKind }[] = [];

  constructor(dependencies: BlobCopierDependencies) {
    this.#dependencies = dependencies;
  }

  /** Returns what was copied; undefined when the object is damaged, or an upload that is not stored yet. */
  async copy(blob: ReferencedBlob): Promise<BackupBlob | undefined> {
    const { database, blobs, folder } = this.#dependencies;
    const partial = join(folder, 'blob.partial');
    const bytes = digesting();
    try {
      const source = await blobs.get(blob.locator);
      await writeFileFrom(partial, bytes, async (sink) => await pipeline(source, sink, { end: false }));
    } catch (error) {
      await rm(partial, { force: true });
      const kind = await this.#damageOf(error);
      if (kind === undefined) throw error;
      if (blob.referred) await this.#note(blob, kind);
      return undefined;
    }
    const { sha256, bytes: size } = bytes.seen();
    if ((blob.digest !== null && blob.digest !== sha256) || size !== blob.size) {
      await rm(partial, { force: true });
      await this.#note(blob, size < blob.size ? 'truncated' : 'altered');
      return undefined;
    }
    await clearDamage(database, blob.locator);
    const target = blobPath(folder, sha256);
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    await rename(partial, target);
    return { locator: blob.locator, sha256, size };
  }

  /** What the backup does not contain, with what refers to it. @throws DaisError `content_damaged` unless it is skipped. */
  async finish(ledgers: readonly NameOwners[]): Promise<readonly DamagedContent[]> {
    if (this.#damaged.length === 0) return [];
    const known = await this.#named(ledgers);
    const damaged = this.#damaged.map(
      ({ blob, kind }): DamagedContent =>
        known.get(blob.locator) ?? {
          locator: blob.locator,
          sha256: blob.digest,
          size: blob.size,
          kind,
          foundAt: new Date().toISOString(),
          owners: [],
        },
    );
    if (this.#dependencies.skipDamaged) return damaged;
    const which = damaged.length === 1 ? 'One stored object is' : `${damaged.length} stored objects are`;
    const detail =
      `${which} damaged, so nothing was backed up. Upload the same bytes again, or restore the files from an older backup. ` +
      'To back up everything else now, add `--skip-damaged`.';
    const issues = damaged.slice(0, NAMED).map((object) => ({ message: damageText(object) }));
    throw new DaisError('content_damaged', detail, { issues });
  }

  async #note(blob: ReferencedBlob, kind: DamageKind): Promise<void> {
    this.#damaged.push({ blob, kind });
    await markDamaged(this.#dependencies.database, { locator: blob.locator, kind });
  }

  /** Undefined when not the object but the store as a whole, or the backup's own disk, fails. */
  async #damageOf(error: unknown): Promise<DamageKind | undefined> {
    if (!(error instanceof DaisError)) return undefined;
    if (error.code === 'content_missing') return 'missing';
    if (error.code !== 'blobs_unavailable') return undefined;
    try {
      await this.#dependencies.blobs.check();
      return 'unreadable';
    } catch {
      return undefined;
    }
  }

  async #named(ledgers: readonly NameOwners[]): Promise<ReadonlyMap<string, DamagedContent>> {
    const known = new Map<string, DamagedContent>();
    for (let after = ''; ;) {
      const from = after;
      const page = await transact(this.#dependencies.database, { mode: 'read', projectId: 'all' }, async ({ sql }) => {
        return await listDamagedContent(sql, { after: from, limit: PAGE }, ledgers);
      });
      for (const object of page) known.set(object.locator, object);
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) return known;
      after = last.locator;
    }
  }
}

function damageText({ locator, kind, owners }: DamagedContent): string {
  const names = owners.map(({ kind: of, name, project, file }) => {
    const part = file === name ? '' : `, file ${file}`;
    return `${of} ${name} of project ${project}${part}`;
  });
  return `${locator} is ${kind}: ${names.length === 0 ? 'nothing references it' : names.join('; ')}`;
}
