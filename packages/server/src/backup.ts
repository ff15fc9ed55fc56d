/** `dais admin backup`: everything but the keys, from a running or a stopped installation, into a folder. */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DaisError } from '@dais/api/errors';
import type { BlobStore } from '#engines/blobs/contract.ts';
import type { Database } from '#engines/database/contract.ts';
import { transact } from '#kernel/transaction.ts';
import { systemClock } from '#lib/clock.ts';
import {
  BLOB_LIST,
  blobPath,
  DATABASE_FILE,
  manifestPath,
  type BackupBlob,
  type BackupManifest,
} from './backup-manifest.ts';
import { pauseCollection } from './collection-pause.ts';
import { exportDatabase } from './compose.ts';
import type { Installation } from './installation.ts';
import { programVersion } from './version.ts';

/** One line of progress for a person. */
export type AdminProgress = (phase: string, done: number, total: number | undefined, unit: 'rows' | 'bytes') => void;

/** Collection stands still for so long at a time; prolonged while the backup works, over by itself if it dies. */
const PAUSE_MS = 10 * 60_000;
const PAGE = 500;

/**
 * The database at one moment, and every blob that it refers to. Collection of content is paused before the moment is
 * chosen, so nothing that it refers to goes away while it is copied. `folder` must be empty or absent.
 * @throws DaisError `invalid_state`, `content_missing`, `storage_full`, and what the engines throw.
 */
export async function writeBackup(
  { connection, database, slices, blobs, keys }: Installation,
  folder: string,
  progress: AdminProgress,
): Promise<BackupManifest> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if ((await readdir(folder)).length > 0) {
    throw new DaisError('invalid_state', `${folder} is not empty; a backup goes into a folder of its own.`);
  }
  const pause = await pauseCollection(database, 'backup', PAUSE_MS);
  // A pause that cannot be prolonged is found out below, before the backup is declared complete.
  const beat = setInterval(() => void pause.extend(PAUSE_MS).catch(() => {}), PAUSE_MS / 3);
  try {
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
    const totals = await writeFileFrom(join(folder, BLOB_LIST), list, async (sink) => {
      let count = 0;
      let bytes = 0;
      for await (const blob of heldBlobs(database)) {
        const source = await openHeld(blobs, blob);
        if (source === undefined) continue;
        const copied = await copyBlob(source, folder, blob);
        sink.write(`${JSON.stringify(copied)}\n`);
        count += 1;
        bytes += copied.size;
        progress('content', bytes, undefined, 'bytes');
      }
      return { count, bytes };
    });
    await pause.extend(PAUSE_MS);
    const manifest: BackupManifest = {
      format: 1,
      programVersion: programVersion(),
      createdAt: new Date(systemClock.now()).toISOString(),
      database: { ...dump.seen(), tables: end.tables, rows: end.rows },
      blobs: { sha256: list.seen().sha256, ...totals },
      keys: (await keys.list()).map(({ keyId, fingerprint }) => ({ keyId, fingerprint })),
    };
    await writeDurably(manifestPath(folder), `${JSON.stringify(manifest, undefined, 2)}\n`);
    return manifest;
  } finally {
    clearInterval(beat);
    await pause.resume();
  }
}

interface HeldBlob {
  readonly locator: string;
  /** Null until the bytes of a direct upload were read. */
  readonly digest: string | null;
  readonly size: number;
  /** False for an upload that nobody owns yet. */
  readonly referred: boolean;
}

/** Undefined for an upload that is still storing its bytes: what was exported does not refer to it. */
async function openHeld(blobs: BlobStore, blob: HeldBlob): Promise<Readable | undefined> {
  try {
    return await blobs.get(blob.locator);
  } catch (error) {
    if (!blob.referred && error instanceof DaisError && error.code === 'content_missing') return undefined;
    throw error;
  }
}

/** Read after the export: with collection paused, everything that the exported moment held is still held or kept. */
async function* heldBlobs(database: Database): AsyncGenerator<HeldBlob> {
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

/** @throws DaisError `digest_mismatch` when the store gives other bytes than the database knows. */
async function copyBlob(source: Readable, folder: string, blob: HeldBlob): Promise<BackupBlob> {
  const bytes = digesting();
  const partial = join(folder, 'blob.partial');
  await writeFileFrom(partial, bytes, async (sink) => await pipeline(source, sink, { end: false }));
  const seen = bytes.seen();
  if (blob.digest !== null && blob.digest !== seen.sha256) {
    throw new DaisError('digest_mismatch', `The blob ${blob.locator} has other bytes than when it was stored.`);
  }
  const target = blobPath(folder, seen.sha256);
  await mkdir(dirname(target), { recursive: true, mode: 0o700 });
  await rename(partial, target);
  return { locator: blob.locator, sha256: seen.sha256, size: seen.bytes };
}

interface Digesting extends Transform {
  seen(): { readonly sha256: string; readonly bytes: number };
}

function digesting(): Digesting {
  const hash = createHash('sha256');
  let bytes = 0;
  const through = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      bytes += chunk.length;
      done(null, chunk);
    },
  });
  return Object.assign(through, { seen: () => ({ sha256: hash.copy().digest('hex'), bytes }) });
}

/** Runs `write` with a sink that ends in the file; durable when it resolves. */
async function writeFileFrom<T>(path: string, through: Transform, write: (sink: Transform) => Promise<T>): Promise<T> {
  const file = createWriteStream(path, { flags: 'wx', mode: 0o600, flush: true });
  const written = pipeline(through, file);
  try {
    const result = await write(through);
    through.end();
    await written;
    return result;
  } catch (error) {
    through.destroy();
    await written.catch(() => {});
    throw diskFull(error, path);
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  const handle = await open(`${path}.partial`, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${path}.partial`, path);
}

function diskFull(error: unknown, path: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT'
    ? new DaisError('storage_full', `No space left for ${path}.`, { cause: error })
    : error;
}
