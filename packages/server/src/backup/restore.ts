/** `dais admin restore`: a backup into an empty installation. */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { DaisError } from '@dais/api/errors';
import type { Sql } from '#engines/database/contract.ts';
import type { KeyStore } from '#engines/keys/contract.ts';
import { releaseHolds, type ReleasedHold } from '#kernel/content/holds.ts';
import { blobPath, DATABASE_FILE, readBlobList, type BackupManifest } from './backup-manifest.ts';
import type { AdminProgress } from './backup.ts';
import { importDatabase } from '#compose/database.ts';
import type { Installation } from '#installation/installation.ts';
import { programVersion } from '#version.ts';

/**
 * Stores the content of a backup that `verifyBackup` has read, then imports the database in one transaction: a failed
 * restore leaves an empty database and no content of its own, and the call can be repeated.
 * @throws DaisError `key_missing`, `invalid_state` (the database is not empty), and the errors of the engines.
 */
export async function readBackupInto(
  installation: Installation,
  folder: string,
  manifest: BackupManifest,
  progress: AdminProgress,
): Promise<void> {
  await requireKeys(manifest, installation.keys);
  const added: string[] = [];
  try {
    const moved = await storeContent(installation, folder, manifest, { added, progress });
    await importRows(installation, folder, manifest, { moved, progress });
  } catch (error) {
    // What cannot be deleted now is collected by the installation that is restored here later.
    for (const locator of added) await installation.blobs.delete(locator).catch(() => {});
    throw error;
  }
}

async function storeContent(
  { blobs }: Installation,
  folder: string,
  manifest: BackupManifest,
  { added, progress }: { readonly added: string[]; readonly progress: AdminProgress },
): Promise<readonly MovedBlob[]> {
  const moved: MovedBlob[] = [];
  let bytes = 0;
  for await (const blob of readBlobList(folder)) {
    const staged = await blobs.stage(createReadStream(blobPath(folder, blob.sha256)), { sha256: blob.sha256 });
    const { locator, size, sha256 } = staged;
    try {
      if ((await blobs.stat(locator)) === undefined) added.push(locator);
      await staged.commit();
    } finally {
      await staged.discard();
    }
    // Another kind of store names the same bytes otherwise.
    if (locator !== blob.locator) moved.push({ from: blob.locator, to: locator, sha256 });
    bytes += size;
    progress('content', bytes, manifest.blobs.bytes, 'bytes');
  }
  return moved;
}

async function importRows(
  { connection, slices }: Installation,
  folder: string,
  manifest: BackupManifest,
  { moved, progress }: { readonly moved: readonly MovedBlob[]; readonly progress: AdminProgress },
): Promise<void> {
  await importDatabase(connection, slices, createReadStream(join(folder, DATABASE_FILE)), {
    programVersion: programVersion(),
    progress: ({ rows }) => progress('database', rows, manifest.database.rows, 'rows'),
    finish: async (sql) => {
      await endUploads(sql);
      await renameBlobs(sql, moved);
      await markNotRestored(
        sql,
        manifest.damaged.map(({ locator }) => locator),
      );
    },
  });
}

/** Objects that the backup does not contain are missing here; all others are the right ones. */
async function markNotRestored(sql: Sql, locators: readonly string[]): Promise<void> {
  await sql.query('delete from kernel.blob_damage');
  await sql.query(
    `insert into kernel.blob_damage (locator, kind)
     select locator, 'missing' from kernel.blob where locator = any($1::text[])`,
    [locators],
  );
}

/** @throws DaisError `key_missing`. */
export async function requireKeys(manifest: Pick<BackupManifest, 'keys'>, keys: KeyStore): Promise<void> {
  const held = new Set((await keys.list()).map(({ fingerprint }) => fingerprint));
  const missing = manifest.keys.filter(({ fingerprint }) => !held.has(fingerprint));
  if (missing.length === 0) return;
  const names = missing.map(({ keyId, fingerprint }) => `${keyId} (fingerprint ${fingerprint})`).join(', ');
  throw new DaisError(
    'key_missing',
    `The secrets of this backup need keys that are missing: ${names}. Nothing was changed.`,
  );
}

/** Clients upload to the original: what was on its way there is not here, and must not count here. */
async function endUploads(sql: Sql): Promise<void> {
  const gone = await sql.query<ReleasedHold>('delete from kernel.upload_lease returning project_id, locator');
  await releaseHolds(sql, gone);
}

interface MovedBlob {
  readonly from: string;
  readonly to: string;
  readonly sha256: string;
}

/** Several may become one: the same bytes that clients uploaded several times. They then count once. */
async function renameBlobs(sql: Sql, moved: readonly MovedBlob[]): Promise<void> {
  if (moved.length === 0) return;
  const [from, to] = [moved.map((blob) => blob.from), moved.map((blob) => blob.to)];
  const pairs = 'unnest($1::text[], $2::text[]) as m(old, new)';
  await sql.query(
    `insert into kernel.blob as b (locator, digest, size, created_at)
     select distinct on (m.new) m.new, decode(m.sha256, 'hex'), o.size, o.created_at
     from unnest($1::text[], $2::text[], $3::text[]) as m(old, new, sha256) join kernel.blob o on o.locator = m.old
     order by m.new, o.created_at
     on conflict (locator) do update set state = 'candidate', claim = null, claim_until = null`,
    [from, to, moved.map((blob) => blob.sha256)],
  );
  await sql.query(`update kernel.blob_ref r set locator = m.new from ${pairs} where r.locator = m.old`, [from, to]);
  await sql.query(
    `with gone as (
       delete from kernel.blob_hold h using ${pairs} where h.locator = m.old
       returning h.project_id, m.new as locator, h.size, h.holds
     )
     insert into kernel.blob_hold as h (project_id, locator, size, holds)
     select project_id, locator, max(size), sum(holds) from gone group by project_id, locator
     on conflict (project_id, locator) do update set holds = h.holds + excluded.holds`,
    [from, to],
  );
  await sql.query(
    `update kernel.blob_usage u set bytes = coalesce((
       select sum(size) from kernel.blob_hold h where h.project_id = u.project_id and h.holds > 0), 0)`,
  );
  await sql.query('delete from kernel.blob where locator = any($1::text[])', [from]);
}
