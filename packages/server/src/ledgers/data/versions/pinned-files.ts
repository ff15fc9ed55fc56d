/** External files of a version: downloaded on read, and compared with the pinned digests. */
import { DaisError, type DataFormat } from '@dais/api';
import { type DatasetVersion } from '@dais/api/data';
import { SYSTEM_ORIGIN, transact } from '#kernel/transaction.ts';
import type { DataDependencies } from '../data-dependencies.ts';
import { readDatasetSpec } from '../dataset-rows.ts';
import { sourceFile } from '../ingest/file-format.ts';
import { withSource } from '../ingest/from-source.ts';
import type { ContentCache } from './content-cache.ts';
import { decideVersion } from './decide.ts';
import type { LocalFile } from './local-files.ts';

type PinnedDependencies = Pick<DataDependencies, 'database' | 'source' | 'secretValue'>;

/**
 * Runs `work` with copies of the files that match the pinned digests. A changed or deleted file makes the
 * version `broken`. @throws DaisError `invalid_state`, and errors of the source
 */
export async function withPinnedFiles<T>(
  dependencies: PinnedDependencies,
  cache: ContentCache,
  version: DatasetVersion,
  work: (files: readonly LocalFile[]) => Promise<T>,
): Promise<T> {
  const { database } = dependencies;
  const { project: projectId, dataset, number } = version;
  const named = `${dataset}@${number}`;
  if (version.state === 'broken') throw new DaisError('invalid_state', `${named} is broken: ${version.reason ?? ''}`);
  const spec = await transact(database, { mode: 'read', projectId }, async (tx) => await readDatasetSpec(tx, dataset));
  const { source } = spec;
  if (source === undefined || source.type === 'upload' || source.type === 'dataset') {
    throw new DaisError('invalid_state', `The manifest of ${dataset} no longer contains the location of ${named}.`);
  }
  const releases: (() => void)[] = [];
  const signal = new AbortController().signal;
  try {
    return await withSource(dependencies, { source, projectId }, async (opened) => {
      const files: LocalFile[] = [];
      for (const { name, digest, bytes, rows, uri = '', pin = '', format = 'parquet' } of version.files) {
        const fill = async (path: string): Promise<void> => {
          const key = uri.startsWith('s3://') ? uri.split('/').slice(3).join('/') : name;
          const fetched = await opened.fetch({ name: key, uri, pin, bytes }, path, { signal });
          if (fetched.sha256 !== digest) throw new DaisError('conflict', `the content of ${uri} changed`);
        };
        const taken = await cache.take(digest, fill);
        releases.push(taken.release);
        const type = format as DataFormat;
        const how = sourceFile(taken.path, name, { ...spec.format, type });
        files.push({ name, path: taken.path, format: type, bytes, rows, digest, source: how });
      }
      return await work(files);
    });
  } catch (error) {
    if (!(error instanceof DaisError) || (error.code !== 'conflict' && error.code !== 'not_found')) throw error;
    const request = { mode: 'write', projectId, by: SYSTEM_ORIGIN } as const;
    await transact(database, request, async (tx) => {
      await decideVersion(tx, version.id, 'broken', { now: Date.now(), reason: error.message });
    });
    throw new DaisError('invalid_state', `${named} is broken: ${error.message}.`, { cause: error });
  } finally {
    for (const release of releases) release();
  }
}
