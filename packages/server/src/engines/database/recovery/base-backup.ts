/** Copies the files of a running server into the archive. */
import { createHash } from 'node:crypto';
import { open, readdir, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Client } from 'pg';
import { DaisError } from '@dais/api/errors';
import type { NamedObjects } from '#engines/blobs/contract.ts';
import { TAR_END, tarHeader, tarPadding } from '#lib/formats/tar.ts';
import { baseFolder, parsePosition, partName, segmentName } from './archive-names.ts';
import type { BaseManifest } from './base-manifest.ts';

/** Two parts are in memory at a time. */
const PART_BYTES = 16 << 20;
const READ_BYTES = 256 << 10;

/** Folders whose content a server creates at its start, or that belongs to one server only. */
const EMPTIED = new Set([
  'pg_wal',
  'pg_wal/archive_status',
  'pg_wal/summaries',
  'pg_replslot',
  'pg_dynshmem',
  'pg_notify',
  'pg_serial',
  'pg_snapshots',
  'pg_stat_tmp',
  'pg_subtrans',
]);
const LEFT_OUT =
  /^(?:postmaster\.(?:pid|opts)|(?:pgsql_tmp|pg_internal\.init).*|t\d+_\d+(?:[._].*)?|backup_label.*|tablespace_map.*|recovery\.signal|postgresql\.conf\..+|current_logfiles.*)$/;
/** Copied last, so that it is not older than any other file. */
const CONTROL_FILE = 'global/pg_control';

export interface BaseBackupOptions {
  /** A connection of the superuser, for this backup alone. */
  readonly client: Client;
  /** The data folder of the server. */
  readonly cluster: string;
  readonly store: NamedObjects;
  readonly id: string;
  /** Name of the base backup. */
  readonly name: string;
  readonly signal: AbortSignal;
}

export type CopiedBase = Pick<
  BaseManifest,
  'timeline' | 'segmentBytes' | 'firstSegment' | 'lastSegment' | 'bytes' | 'parts' | 'major'
>;

/**
 * Writes the parts of a base backup. Files that change meanwhile are repaired by the write-ahead log from `firstSegment` to
 * `lastSegment`, so it is complete when these are archived. Memory is bounded; a failure leaves parts without a description.
 */
export async function copyBase(options: BaseBackupOptions): Promise<CopiedBase> {
  const { client, cluster, store, id, name, signal } = options;
  const { rows } = await client.query<{ version: string; segment: string }>(
    `select current_setting('server_version_num') as version,
       pg_size_bytes(current_setting('wal_segment_size'))::text as segment`,
  );
  const version = Number(rows[0]!.version);
  const segmentBytes = Number(rows[0]!.segment);
  const calls = version >= 150_000 ? CALLS : OLD_CALLS;
  const started = await client.query<{ position: string; file: string }>(calls.start);
  const first = parsePosition(started.rows[0]!.position) / BigInt(segmentBytes);
  const timeline = Number.parseInt(started.rows[0]!.file.slice(0, 8), 16);

  let bytes = 0;
  let last = 0n;
  async function* archive(): AsyncGenerator<Buffer> {
    for await (const entry of clusterFiles(cluster)) {
      for await (const chunk of tarEntry(cluster, entry)) {
        bytes += chunk.length;
        yield chunk;
      }
    }
    yield* tarEntry(cluster, { name: CONTROL_FILE, isFolder: false });
    const stopped = await client.query<{ position: string; label: string; spaces: string }>(calls.stop);
    const { position, label, spaces } = stopped.rows[0]!;
    if (spaces.trim() !== '') {
      throw new DaisError('invalid_state', 'The database has tablespaces, which cannot be archived.');
    }
    last = (parsePosition(position) - 1n) / BigInt(segmentBytes);
    const text = Buffer.from(label);
    yield tarHeader({ name: 'backup_label', isFolder: false, size: text.length });
    yield text;
    yield tarPadding(text.length);
    yield TAR_END;
  }
  const parts = await uploadParts({ store, folder: baseFolder(id, name) }, archive(), signal);
  const file = (number: bigint) => segmentName({ timeline, number }, segmentBytes);
  return {
    major: Math.floor(version / 10_000),
    timeline,
    segmentBytes,
    firstSegment: file(first),
    lastSegment: file(last),
    bytes,
    parts,
  };
}

const CALLS = {
  start: `select lsn::text as position, pg_walfile_name(lsn) as file from pg_backup_start('dais', true) as lsn`,
  stop: `select lsn::text as position, labelfile as label, spcmapfile as spaces from pg_backup_stop(false)`,
};
/** Of PostgreSQL 14. */
const OLD_CALLS = {
  start: `select lsn::text as position, pg_walfile_name(lsn) as file from pg_start_backup('dais', true, false) as lsn`,
  stop: `select lsn::text as position, labelfile as label, spcmapfile as spaces from pg_stop_backup(false, false)`,
};

interface Entry {
  /** Relative to the cluster, with slashes. */
  readonly name: string;
  readonly isFolder: boolean;
}

async function* clusterFiles(cluster: string, below = ''): AsyncGenerator<Entry> {
  const entries = await readdir(path.join(cluster, below), { withFileTypes: true }).catch((error: unknown) => {
    // The folder of a database that was dropped meanwhile.
    if (below !== '' && isMissing(error)) return [];
    throw error;
  });
  for (const entry of entries) {
    const name = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) {
      if (EMPTIED.has(below) && !EMPTIED.has(name)) continue;
      if (LEFT_OUT.test(entry.name)) continue;
      yield { name, isFolder: true };
      yield* clusterFiles(cluster, name);
    } else if (entry.isFile() && !EMPTIED.has(below) && !LEFT_OUT.test(entry.name) && name !== CONTROL_FILE) {
      yield { name, isFolder: false };
    }
  }
}

/** Nothing for a file that is gone. */
async function* tarEntry(cluster: string, { name, isFolder }: Entry): AsyncGenerator<Buffer> {
  if (isFolder) {
    yield tarHeader({ name, isFolder, size: 0 });
    return;
  }
  const handle = await open(path.join(cluster, name), 'r').catch((error: unknown) => {
    if (isMissing(error) && name !== CONTROL_FILE) return undefined;
    throw error;
  });
  if (handle === undefined) return;
  try {
    const { size } = await handle.stat();
    yield tarHeader({ name, isFolder, size });
    yield* readExactly(handle, size);
    yield tarPadding(size);
  } finally {
    await handle.close();
  }
}

/** A file that becomes shorter is padded with zeros; the log contains the truncation. */
async function* readExactly(handle: FileHandle, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < size;) {
    const expected = Math.min(READ_BYTES, size - at);
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(expected), 0, expected, at);
    yield bytesRead === 0 ? Buffer.alloc(expected) : buffer.subarray(0, bytesRead);
    at += bytesRead === 0 ? expected : bytesRead;
  }
}

async function uploadParts(
  { store, folder }: { readonly store: NamedObjects; readonly folder: string },
  archive: AsyncIterable<Buffer>,
  signal: AbortSignal,
): Promise<BaseManifest['parts']> {
  const parts: BaseManifest['parts'] = [];
  const put = async (bytes: Buffer) => {
    const name = partName(parts.length + 1);
    await store.put(`${folder}${name}`, bytes);
    parts.push({ name, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') });
  };
  await pipeline(
    Readable.from(archive, { objectMode: false }),
    createGzip({ level: 1 }),
    async (source: AsyncIterable<Buffer>) => {
      let waiting: Buffer[] = [];
      let size = 0;
      for await (const chunk of source) {
        waiting.push(chunk);
        size += chunk.length;
        if (size < PART_BYTES) continue;
        await put(Buffer.concat(waiting));
        [waiting, size] = [[], 0];
      }
      if (size > 0) await put(Buffer.concat(waiting));
    },
    { signal },
  );
  return parts;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
