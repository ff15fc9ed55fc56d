/** Finds code files that the server already has from the latest runs of the project. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { DaisError, type DaisClient } from '@dais/api';
import { listExecutionFilesOperation, listExecutionsOperation, type SubmitExecutionInput } from '@dais/api/executions';
import type { SnapshotFile } from '#runs/code-snapshot.ts';

type SentFile = NonNullable<SubmitExecutionInput['code']>['files'][number];

/** Number of examined runs, newest first: a user's previous run is among runs of others. */
const MAX_INSPECTED = 5;
/** Further files are sent; this is the server's limit. */
const MOST = 2000;
const PREFIX = 'code/';

interface FileLocation {
  readonly run: string;
  readonly path: string;
}

export interface SplitFiles {
  readonly known: readonly SentFile[];
  readonly unknown: readonly SnapshotFile[];
}

/** The server compares the digests once more: it reports a removed file, and never substitutes another one. */
export async function splitKnown(
  client: DaisClient,
  folder: string,
  files: readonly SnapshotFile[],
): Promise<SplitFiles> {
  const locations = await locationsOf(client);
  if (locations.size === 0) return { known: [], unknown: files };
  const known: SentFile[] = [];
  const unknown: SnapshotFile[] = [];
  for (const file of files) {
    const sha256 = await digestOf(join(folder, file.path));
    const location = known.length < MOST ? locations.get(sha256) : undefined;
    if (location === undefined) unknown.push(file);
    else known.push({ path: file.path, executable: file.executable, same: { ...location, sha256 } });
  }
  return { known, unknown };
}

/** By digest. Empty for a caller without access to runs. */
async function locationsOf(client: DaisClient): Promise<ReadonlyMap<string, FileLocation>> {
  const locations = new Map<string, FileLocation>();
  try {
    const { items } = await client.perform(listExecutionsOperation, { limit: MAX_INSPECTED });
    for (const { id } of items) {
      for (let cursor: string | undefined; ;) {
        const page = { limit: 1000, ...(cursor !== undefined && { cursor }) };
        const found = await client.perform(listExecutionFilesOperation, { id, prefix: PREFIX, ...page });
        for (const { name, sha256 } of found.items) {
          if (sha256 !== null && !locations.has(sha256))
            locations.set(sha256, { run: id, path: name.slice(PREFIX.length) });
        }
        cursor = found.nextCursor;
        if (cursor === undefined) break;
      }
    }
  } catch (error) {
    // For a deleted run, or runs that the caller may not read, all files are sent.
    if (error instanceof DaisError && (error.code === 'forbidden' || error.code === 'not_found')) return new Map();
    throw error;
  }
  return locations;
}

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
