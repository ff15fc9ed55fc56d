/** `dais admin restore`: a backup into an empty installation. */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DaisError } from '@dais/api/errors';
import type { Sql } from '#engines/database/contract.ts';
import type { KeyStore } from '#engines/keys/contract.ts';
import { releaseHolds, type ReleasedHold } from '#kernel/content/holds.ts';
import {
  BLOB_LIST,
  blobPath,
  DATABASE_FILE,
  parseBlobLine,
  readBackup,
  type BackupManifest,
} from './backup-manifest.ts';
import type { AdminProgress } from './backup.ts';
import { importDatabase } from './compose.ts';
import type { Installation } from './installation.ts';
import { programVersion } from './version.ts';

/**
 * Checks first (that the backup is whole, that every key which its secrets need is held), then brings the content, then
 * the database in one transaction: what fails leaves an empty database, and the same call may be repeated.
 * @throws DaisError `backup_invalid`, `key_missing`, `invalid_state` (the database is not empty), and what engines throw.
 */
export async function readBackupInto(
  { connection, slices, blobs, keys }: Installation,
  folder: string,
  progress: AdminProgress,
): Promise<BackupManifest> {
  const manifest = await readBackup(folder);
  await requireKeys(manifest, keys);
  const moved: MovedBlob[] = [];
  let bytes = 0;
  const lines = createInterface({ input: createReadStream(join(folder, BLOB_LIST)), crlfDelay: Infinity });
  for await (const line of lines) {
    const blob = parseBlobLine(line);
    const stored = await blobs.put(createReadStream(blobPath(folder, blob.sha256)), { sha256: blob.sha256 });
    // Another kind of store names the same bytes otherwise.
    if (stored.locator !== blob.locator) moved.push({ from: blob.locator, to: stored.locator, sha256: stored.sha256 });
    bytes += stored.size;
    progress('content', bytes, manifest.blobs.bytes, 'bytes');
  }
  await importDatabase(connection, slices, createReadStream(join(folder, DATABASE_FILE)), {
    programVersion: programVersion(),
    progress: ({ rows }) => progress('database', rows, manifest.database.rows, 'rows'),
    finish: async (sql) => {
      await endUploads(sql);
      await renameBlobs(sql, moved);
    },
  });
  return manifest;
}

async function requireKeys(manifest: BackupManifest, keys: KeyStore): Promise<void> {
  const held = new Set((await keys.list()).map(({ fingerprint }) => fingerprint));
  const missing = manifest.keys.filter(({ fingerprint }) => !held.has(fingerprint));
  if (missing.length === 0) return;
  const names = missing.map(({ keyId, fingerprint }) => `${keyId} (fingerprint ${fingerprint})`).join(', ');
  throw new DaisError(
    'key_missing',
    `The secrets of this backup need keys that are not here: ${names}. Nothing was changed.`,
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
