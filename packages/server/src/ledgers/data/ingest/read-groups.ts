/** Converts source files to Parquet files, group by group. Groups that were read before are reused. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { DataError, QueryEngine } from '#engines/query/contract.ts';
import { DaisError } from '@dais/api';
import { scan } from '#engines/query/model/build.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import type { DataDependencies } from '../data-dependencies.ts';
import { requireDataset, type DatasetRow } from '../dataset-rows.ts';
import { keptDigests, type NewFile } from '../versions/commit.ts';
import { storeFiles } from '../versions/store-files.ts';
import { engineColumns } from './columns.ts';
import { groupFiles } from './file-groups.ts';
import { groupDigest, readingDigest, type ReadableFile, type ReadingPlan } from './reading-plan.ts';

export interface GroupsRequest extends ReadingPlan {
  readonly projectId: string;
  readonly dataset: string;
  readonly files: readonly ReadableFile[];
  readonly invalidRows: 'refuse' | 'keep';
  /** An existing empty folder for new files. */
  readonly folder: string;
  readonly owner: string;
}

export interface GroupsRead {
  /** In row order. */
  readonly files: readonly NewFile[];
  readonly rejects: readonly DataError[];
  readonly rejectCount: number;
  /** Paths of new files by digest. */
  readonly paths: ReadonlyMap<string, string>;
}

interface Known {
  readonly digest: string;
  readonly bytes: number;
  readonly rows: number;
}

type Io = { readonly signal: AbortSignal; readonly progress: (share: number) => void };

/** Reads all groups. @throws QueryError, DaisError as `storeFiles` does */
export async function readGroups(
  dependencies: DataDependencies,
  engine: QueryEngine,
  request: GroupsRequest,
  { signal, progress }: Io,
): Promise<GroupsRead> {
  const groups = groupFiles(request.files);
  const reading = readingDigest(request, engine.state().version);
  const digests = groups.map(groupDigest);
  const known = await findKnown(dependencies, request, reading, digests);
  const paths = new Map<string, string>();
  const all = request.files.reduce((sum, { bytes }) => sum + bytes, 0);
  let done = 0;
  const files: NewFile[] = [];
  const rejects: DataError[] = [];
  let rejectCount = 0;
  for (const [at, group] of groups.entries()) {
    signal.throwIfAborted();
    const digest = digests[at] ?? '';
    const before = known.get(digest);
    const bytes = group.reduce((sum, file) => sum + file.bytes, 0);
    if (before === undefined) {
      const share = (part: number) => progress(all === 0 ? 1 : (done + bytes * part) / all);
      const read = await readGroup(dependencies, engine, request, { group, at, signal, share });
      // Files with rejected rows are not cached, so that the errors are reported each time.
      if (read.rejectCount === 0) await remember(dependencies, request, { digest, reading, files: read.files });
      files.push(...read.files);
      for (const [of, path] of read.paths) paths.set(of, path);
      rejects.push(...read.rejects);
      rejectCount += read.rejectCount;
    } else {
      files.push(...before.map((file): NewFile => ({ ...file, kept: true })));
    }
    done += bytes;
    progress(all === 0 ? 1 : done / all);
  }
  return { files, rejects, rejectCount, paths };
}

async function readGroup(
  dependencies: DataDependencies,
  engine: QueryEngine,
  request: GroupsRequest,
  {
    group,
    at,
    signal,
    share,
  }: { group: readonly ReadableFile[]; at: number; signal: AbortSignal; share: (part: number) => void },
): Promise<GroupsRead> {
  const missing = group.find(({ source }) => source.path === '');
  if (missing !== undefined) {
    const detail = `${missing.name} was not uploaded because its content was already stored, but it must now be read in another way. Push again.`;
    throw new DaisError('invalid_state', detail);
  }
  const folder = join(request.folder, `group-${at}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const table = {
    files: group.map(({ source }) => source),
    ...(request.shape !== undefined && { shape: request.shape }),
    columns: engineColumns(request.columns),
    invalidRows: request.invalidRows,
    extraColumns: 'refuse' as const,
  };
  const { splitRows: rows, keys } = request;
  const split = { type: 'content', rows, ...(keys.length > 0 && { keys }) } as const;
  const result = await engine.run(
    {
      tables: { rows: table },
      query: scan('rows'),
      output: { type: 'parquet', folder, name: 'part', split },
      owner: request.owner,
    },
    { signal, progress: ({ share: part = 0 }) => share(part * 0.8) },
  );
  const written = result.files.filter((file) => file.rows > 0);
  const files = await storeFiles(dependencies, request, written, signal);
  const paths = new Map(files.map(({ digest }, index) => [digest, written[index]?.path ?? '']));
  return { files, rejects: result.rejects.first, rejectCount: result.rejects.count, paths };
}

/** Returns the cached results of groups, if the files still exist. */
async function findKnown(
  { database }: DataDependencies,
  { projectId, dataset }: Pick<GroupsRequest, 'projectId' | 'dataset'>,
  reading: string,
  digests: readonly string[],
): Promise<ReadonlyMap<string, readonly Known[]>> {
  return await transact(database, { mode: 'read', projectId }, async (tx) => {
    return await knownReadings(tx, await requireDataset(tx, dataset), reading, digests);
  });
}

export async function knownReadings(
  tx: Transaction,
  row: Pick<DatasetRow, 'id'>,
  reading: string,
  digests: readonly string[],
): Promise<ReadonlyMap<string, readonly Known[]>> {
  const rows = await tx.sql.query<{ digest: string; files: readonly Known[] }>(
    'select digest, files from data.read_file where dataset = $1 and read_options = $2 and digest = any($3::text[])',
    [row.id, reading, digests],
    'known_readings',
  );
  const kept = await keptDigests(tx, row);
  return new Map(
    rows.flatMap(({ digest, files }) => (files.every((file) => kept.has(file.digest)) ? [[digest, files]] : [])),
  );
}

/** Caches the results once a version contains the files. */
async function remember(
  { database, clock }: DataDependencies,
  { projectId, dataset }: GroupsRequest,
  { digest, reading, files }: { digest: string; reading: string; files: readonly NewFile[] },
): Promise<void> {
  await transact(database, { mode: 'write', projectId }, async (tx) => {
    const { id } = await requireDataset(tx, dataset);
    const shapes = files.map((file): Known => ({ digest: file.digest, bytes: file.bytes, rows: file.rows }));
    await tx.sql.query(
      `insert into data.read_file (dataset, digest, read_options, project_id, files, rows, used_at) values ($1, $2, $3, $4, $5, $6, $7)
       on conflict (dataset, digest, read_options) do update set files = excluded.files, rows = excluded.rows, used_at = excluded.used_at`,
      [
        id,
        digest,
        reading,
        projectId,
        JSON.stringify(shapes),
        shapes.reduce((sum, { rows }) => sum + rows, 0),
        clock.now(),
      ],
      'remember_reading',
    );
  });
}
