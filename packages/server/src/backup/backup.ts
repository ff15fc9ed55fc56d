/** `dais admin backup`: everything but the keys, from a running or a stopped installation, into a folder. */
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DaisError } from '@dais/api/errors';
import { systemClock } from '#lib/clock.ts';
import { BlobCopier, referencedBlobs } from './backup-content.ts';
import { digesting, writeDurably, writeFileFrom } from './backup-files.ts';
import { BLOB_LIST, DATABASE_FILE, manifestPath, type BackupManifest } from './backup-manifest.ts';
import { pauseCollection } from '#content/collection-pause.ts';
import { exportDatabase } from '#compose/database.ts';
import { contentOwners } from '#compose/ledgers.ts';
import type { Installation } from '#installation/installation.ts';
import { programVersion } from '#version.ts';

/** One line of progress for a person. */
export type AdminProgress = (phase: string, done: number, total: number | undefined, unit: 'rows' | 'bytes') => void;

/** Collection of content is paused for so long at a time; extended while the backup works, over if it dies. */
const PAUSE_MS = 10 * 60_000;

export interface BackupOptions {
  /** Continues without damaged objects and lists them in the manifest. */
  readonly skipDamaged: boolean;
  readonly progress: AdminProgress;
}

/**
 * Exports the database as of one moment, with every blob that it references. Garbage collection is paused before this
 * moment, so no referenced blob is deleted during the copy. `folder` must be empty or absent; a failed backup leaves it
 * empty.
 * @throws DaisError `invalid_state`, `content_damaged`, `storage_full`, and the errors of the engines.
 */
export async function writeBackup(
  installation: Installation,
  folder: string,
  options: BackupOptions,
): Promise<BackupManifest> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if ((await readdir(folder)).length > 0) {
    throw new DaisError('invalid_state', `${folder} is not empty. Write the backup to a new or empty folder.`);
  }
  const pause = await pauseCollection(installation.database, 'backup', PAUSE_MS);
  // A pause that cannot be extended is found out below, before the backup is declared complete.
  const beat = setInterval(() => void pause.extend(PAUSE_MS).catch(() => {}), PAUSE_MS / 3);
  try {
    const { manifest, text } = await writeFiles(installation, folder, options);
    await pause.extend(PAUSE_MS);
    await writeDurably(manifestPath(folder), text);
    return manifest;
  } catch (error) {
    for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true });
    throw error;
  } finally {
    clearInterval(beat);
    await pause.resume();
  }
}

async function writeFiles(
  { connection, database, slices, blobs, keys }: Installation,
  folder: string,
  { skipDamaged, progress }: BackupOptions,
): Promise<{ readonly manifest: BackupManifest; readonly text: string }> {
  const dump = digesting();
  const end = await writeFileFrom(join(folder, DATABASE_FILE), dump, async (sink) => {
    const options = {
      programVersion: programVersion(),
      clock: systemClock,
      progress: ({ rows }: { rows: number }) => progress('database', rows, undefined, 'rows'),
    };
    return await exportDatabase(connection, slices, sink, options);
  });
  const list = digesting();
  const copier = new BlobCopier({ database, blobs, folder, skipDamaged });
  const totals = await writeFileFrom(join(folder, BLOB_LIST), list, async (sink) => {
    let [count, bytes] = [0, 0];
    for await (const blob of referencedBlobs(database)) {
      const copied = await copier.copy(blob);
      if (copied === undefined) continue;
      sink.write(`${JSON.stringify(copied)}\n`);
      count += 1;
      bytes += copied.size;
      progress('content', bytes, undefined, 'bytes');
    }
    return { count, bytes };
  });
  const manifest: BackupManifest = {
    format: 1,
    programVersion: programVersion(),
    createdAt: new Date(systemClock.now()).toISOString(),
    database: { ...dump.seen(), tables: end.tables, rows: end.rows },
    blobs: { sha256: list.seen().sha256, ...totals },
    keys: (await keys.list()).map(({ keyId, fingerprint }) => ({ keyId, fingerprint })),
    damaged: [...(await copier.finish(await contentOwners()))],
  };
  return { manifest, text: `${JSON.stringify(manifest, undefined, 2)}\n` };
}
