/** Paths of version files that the query engine can open. */
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { DaisError } from '@dais/api';
import { type DatasetVersion } from '@dais/api/data';
import type { FileFormat, FileTable, SourceFile } from '#engines/query/contract.ts';
import { requireUndamaged } from '#kernel/content/damage.ts';
import { findReferences } from '#kernel/content/references.ts';
import { transact } from '#kernel/transaction.ts';
import type { DataDependencies } from '../data-dependencies.ts';
import { contentOf, requireDataset } from '../dataset-rows.ts';
import { ContentCache } from './content-cache.ts';
import { withPinnedFiles } from './pinned-files.ts';

export interface LocalFile {
  /** The name within the version. */
  readonly name: string;
  /** The absolute path. */
  readonly path: string;
  readonly format: FileFormat;
  readonly bytes: number;
  readonly rows: number;
  readonly digest: string;
  /** How to read a file that is not managed Parquet. */
  readonly source?: SourceFile;
}

type StoredFile = Pick<LocalFile, 'name' | 'digest' | 'bytes' | 'rows'>;
/** Versions with external files need `source` and `secretValue`. */
type LocalDependencies = Pick<DataDependencies, 'database' | 'blobs' | 'folder'> &
  Partial<Pick<DataDependencies, 'source' | 'secretValue'>>;

/** Use one instance per folder, because the cache tracks its files in memory. */
const caches = new Map<string, ContentCache>();

function cacheOf(folder: string): ContentCache {
  const path = join(folder, 'cache');
  let cache = caches.get(path);
  if (cache === undefined) caches.set(path, (cache = new ContentCache(path)));
  return cache;
}

/**
 * Runs `work` with the files of a version in row order. The paths are valid until `work` ends.
 * @throws DaisError `content_missing`, `invalid_state` for a version whose files are external or deleted.
 */
export async function withLocalFiles<T>(
  dependencies: LocalDependencies,
  version: DatasetVersion,
  work: (files: readonly LocalFile[]) => Promise<T>,
): Promise<T> {
  const named = `${version.dataset}@${version.number}`;
  if (version.state === 'deleted') throw new DaisError('invalid_state', `${named} was deleted.`);
  if (version.mode === 'reference') {
    const { source, secretValue } = dependencies;
    if (source === undefined || secretValue === undefined) {
      throw new DaisError('invalid_state', `${named} refers to external files, which Dais does not read.`);
    }
    return await withPinnedFiles({ ...dependencies, source, secretValue }, cacheOf(dependencies.folder), version, work);
  }
  return await withStoredFiles(dependencies, version, version.files, work);
}

/**
 * Runs `work` with stored files of a dataset, of any version. Errors contain the given names.
 * @throws DaisError `content_missing`.
 */
export async function withStoredFiles<T>(
  dependencies: LocalDependencies,
  of: Pick<DatasetVersion, 'project' | 'dataset'>,
  requested: readonly StoredFile[],
  work: (files: readonly LocalFile[]) => Promise<T>,
): Promise<T> {
  const releases: (() => void)[] = [];
  try {
    const locators = await locatorsOf(dependencies, of, requested);
    const files: LocalFile[] = [];
    for (const { name, digest, bytes, rows } of requested) {
      const locator = locators.get(digest);
      if (locator === undefined)
        throw new DaisError('content_missing', `File ${name} of ${of.dataset} does not exist.`);
      const label = labelOf(name, of.dataset);
      let path = await dependencies.blobs.localPath?.(locator, label);
      if (path === undefined) {
        const taken = await cacheOf(dependencies.folder).take(digest, async (part) => {
          await pipeline(
            await dependencies.blobs.get(locator, undefined, label),
            createWriteStream(part, { mode: 0o600 }),
          );
        });
        releases.push(taken.release);
        ({ path } = taken);
      }
      files.push({ name, path, format: 'parquet', bytes, rows, digest });
    }
    return await work(files);
  } finally {
    for (const release of releases) release();
  }
}

const labelOf = (name: string, dataset: string) => `file ${name} of dataset ${dataset}`;

async function locatorsOf(
  { database }: LocalDependencies,
  { project, dataset }: Pick<DatasetVersion, 'project' | 'dataset'>,
  files: readonly StoredFile[],
): Promise<ReadonlyMap<string, string>> {
  return await transact(database, { mode: 'read', projectId: project }, async (tx) => {
    const owner = contentOf(await requireDataset(tx, dataset));
    const found = await findReferences(tx, owner, [...new Set(files.map(({ digest }) => digest))]);
    const locators = new Map<string, string>();
    for (const { name, digest } of files) {
      const reference = found.get(digest);
      if (reference !== undefined) {
        locators.set(digest, requireUndamaged(reference, labelOf(name, dataset)).locator);
      }
    }
    return locators;
  });
}

/** Returns the files as a table of a query. */
export function tableOf(version: Pick<DatasetVersion, 'schema'>, files: readonly LocalFile[]): FileTable {
  const columns = version.schema.columns.map(({ name, type }) => ({ name, type: type as never }));
  return { files: files.map(({ name, path, format, source }) => source ?? { name, path, format }), columns };
}
