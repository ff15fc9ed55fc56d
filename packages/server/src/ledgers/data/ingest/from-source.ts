/** Downloads files from an external source. */
import { join } from 'node:path';
import { DaisError } from '@dais/api';
import type { DataColumn } from '@dais/api/data';
import type { DataSource, SourceObject } from '#engines/sources/contract.ts';
import { transact } from '#kernel/transaction.ts';
import type { DataDependencies, ExternalSource, SecretReader } from '../data-dependencies.ts';
import type { GatheredFile } from './gather.ts';
import type { TableShape } from './reading-plan.ts';

interface FetchedFile extends GatheredFile {
  readonly uri: string;
  readonly pin: string;
  /** Contains the format. */
  readonly object: SourceObject;
}

/** Opens a source with its Secrets, runs `work` and closes it. */
export async function withSource<T>(
  dependencies: Pick<DataDependencies, 'database' | 'source' | 'secretValue'>,
  { source, projectId }: { readonly source: ExternalSource; readonly projectId: string },
  work: (source: DataSource) => Promise<T>,
): Promise<T> {
  const secret: SecretReader = async (ref) => {
    const request = { mode: 'read', projectId } as const;
    const open = await transact(dependencies.database, request, async (tx) => await dependencies.secretValue(tx, ref));
    if (open === undefined) {
      throw new DaisError('invalid_state', `The Secret ${ref.secret} has no value ${ref.key}.`);
    }
    return await open();
  };
  const opened = await dependencies.source(source, secret);
  try {
    return await work(opened);
  } finally {
    await opened.close();
  }
}

/** Downloads all objects. @throws errors of the source; `invalid_state` for a table that `mode: reference` does not support */
export async function fetchAll(
  source: DataSource,
  {
    folder,
    mode,
    signal,
    progress,
  }: {
    folder: string;
    mode: 'managed' | 'reference';
    signal: AbortSignal;
    progress: (share: number) => void;
  },
): Promise<{
  readonly files: readonly FetchedFile[];
  readonly columns: readonly DataColumn[] | undefined;
  readonly shape: TableShape | undefined;
}> {
  const objects = await source.list(signal);
  const shape = objects[0]?.shape;
  if (shape !== undefined && mode === 'reference') {
    throw new DaisError(
      'invalid_state',
      'A version cannot refer to the files of this table, because they differ from its rows. The table is partitioned, has deleted rows, or its files use other column names. Set `mode: managed` to copy the rows.',
    );
  }
  const all = objects.reduce((sum, { bytes = 0 }) => sum + bytes, 0);
  const files: FetchedFile[] = [];
  let done = 0;
  let columns: readonly DataColumn[] | undefined;
  for (const [at, object] of objects.entries()) {
    signal.throwIfAborted();
    const path = join(folder, `object-${at}`);
    const share = (bytes: number) => progress(all === 0 ? at / objects.length : Math.min(1, (done + bytes) / all));
    const fetched = await source.fetch(object, path, { signal, progress: share });
    done += fetched.bytes;
    columns ??= fetched.columns ?? object.columns;
    const { name, uri } = object;
    const { pin, sha256: digest, bytes, part = object.part } = fetched;
    files.push({ name, uri, path, pin, digest, bytes, object, part });
  }
  return { files, columns, shape };
}

/** Returns the URI of a single object, or the common prefix of several. */
export function commonUri(files: readonly GatheredFile[]): string {
  const [first = '', ...rest] = files.map(({ uri = '' }) => uri);
  let length = first.length;
  for (const uri of rest) while (!uri.startsWith(first.slice(0, length))) length -= 1;
  return rest.length === 0 ? first : first.slice(0, first.lastIndexOf('/', length) + 1);
}
