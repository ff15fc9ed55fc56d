/** Reads deleted rows of the files of an Iceberg snapshot, from Parquet files of row numbers or from bitmaps. */
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DaisError } from '@dais/api';
import type { QueryEngine } from '#engines/query/contract.ts';
import { ascending, call, column, filter, literal, named, scan, aggregate } from '#engines/query/model/build.ts';
import type { Relation } from '#engines/query/model/query-tree.ts';
import type { DeletedRows } from '../deleted-rows.ts';
import { storedRows } from '../deletion-vector.ts';
import type { IcebergDeletes, IcebergFile } from './iceberg-table.ts';

export interface DeletesIo {
  readonly engine: () => Promise<QueryEngine>;
  /** Collects the deleted rows. */
  readonly gone: DeletedRows;
  /** Empty folder for fetched files. */
  readonly folder: string;
  readonly signal: AbortSignal;
  /** @throws DaisError `not_found`, `too_large` */
  readonly bytes: (path: string) => Promise<Buffer>;
  /** Downloads to a new path. @throws the same. */
  readonly download: (path: string, to: string) => Promise<void>;
}

type Vector = Extract<IcebergDeletes, { type: 'vector' }>;

/** Row numbers per line. */
const BUCKET = 65_536;
/** Maximum row number of a file, within safe integers. */
const MOST_ROWS = 2 ** 48;
/** A bitmap is stored with its size and its checksum. */
const FRAME_BYTES = 8;

/**
 * Returns the packed deleted rows of each data file by path; no entry for a file without any.
 * @throws DaisError `too_large`, `upstream_failed`, `not_found`; QueryError for a file that is not Parquet.
 */
export async function deletedRows(
  where: string,
  data: readonly IcebergFile[],
  deletes: readonly IcebergFile[],
  io: DeletesIo,
): Promise<ReadonlyMap<string, string>> {
  const { gone } = io;
  for (const { deletes: of } of deletes) if (of?.type !== 'equality') gone.expect(of?.rows ?? 0);
  const found = new Map<string, string>();
  const ages = new Map(data.map(({ path, sequence }) => [path, sequence]));
  const read = new Map<string, Buffer>();
  for (const { path, sequence, deletes: of } of deletes) {
    if (of?.type !== 'vector' || (ages.get(of.of) ?? Infinity) > sequence) continue;
    if (found.has(of.of))
      throw new DaisError('upstream_failed', `${where} has two deletion vectors for the file ${of.of}.`);
    const bytes = read.get(path) ?? (await io.bytes(path));
    read.set(path, bytes);
    found.set(of.of, await gone.pack(() => vectorRows(bytes, of)));
  }
  const positions = deletes.filter(({ deletes: of }) => of?.type === 'positions');
  // A vector contains all deleted rows of its file.
  const others = data.filter(({ path }) => !found.has(path));
  if (positions.length > 0 && others.length > 0) await addPositions(others, positions, io, found);
  return found;
}

function vectorRows(bytes: Buffer, { offset, bytes: size, rows }: Vector): Iterable<number> {
  return storedRows(bytes, { offset, bytes: Math.max(0, size - FRAME_BYTES), count: rows });
}

async function addPositions(
  data: readonly IcebergFile[],
  deletes: readonly IcebergFile[],
  io: DeletesIo,
  found: Map<string, string>,
): Promise<void> {
  const { signal, folder } = io;
  const files = [];
  for (const [at, { path }] of deletes.entries()) {
    signal.throwIfAborted();
    const to = join(folder, `deletes-${at}`);
    await io.download(path, to);
    files.push({ path: to, name: path, format: 'parquet' as const });
  }
  const columns = [
    { name: 'file_path', type: 'string' as const },
    { name: 'pos', type: 'int64' as const },
  ];
  const known = (rows: readonly IcebergFile[], name: string) => ({
    columns: [
      { name: 'path', type: 'string' as const },
      { name, type: 'int64' as const },
      { name: `${name}_at`, type: 'int64' as const },
    ],
    rows: rows.map(({ path, sequence }, at) => [path, sequence, at]),
  });
  const listed = join(folder, 'positions.ndjson');
  await (
    await io.engine()
  ).run(
    {
      tables: {
        deletes: { files, columns, extraColumns: 'ignore', provenance: { file: '~file', row: '~row' } },
        ages: known(deletes, 'age'),
        data: known(data, 'created'),
      },
      query: POSITIONS,
      output: { type: 'ndjson', path: listed },
    },
    { signal },
  );
  for (const [at, packed] of await packLines(listed, io.gone)) {
    const path = data[at]?.path;
    if (path !== undefined) found.set(path, packed);
  }
}

/** For each data file, ascending lists of row numbers. */
const POSITIONS: Relation = {
  type: 'sort',
  by: [ascending('at'), ascending('bucket')],
  from: {
    type: 'aggregate',
    by: [named('at', column('created_at')), named('bucket', call('bucket', column('pos'), literal(BUCKET)))],
    columns: [named('rows', aggregate('list', [column('pos')], { order: [ascending('pos')] }))],
    from: {
      type: 'distinct',
      from: {
        type: 'project',
        columns: [named('created_at', column('created_at')), named('pos', column('pos'))],
        from: filter(
          {
            type: 'join',
            kind: 'inner',
            left: {
              type: 'join',
              kind: 'inner',
              left: scan('deletes'),
              right: scan('ages'),
              keys: [{ left: '~file', right: 'path' }],
              take: [{ column: 'age', as: 'age' }],
            },
            right: scan('data'),
            keys: [{ left: 'file_path', right: 'path' }],
            take: [
              { column: 'created', as: 'created' },
              { column: 'created_at', as: 'created_at' },
            ],
          },
          call('<=', column('created'), column('age')),
          call('>=', column('pos'), literal(0)),
          call('<', column('pos'), literal(MOST_ROWS)),
        ),
      },
    },
  },
};

/** By file number. */
export async function packLines(path: string, gone: DeletedRows): Promise<ReadonlyMap<number, string>> {
  const packers = gone.packers();
  for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    const [at, , rows] = JSON.parse(line) as readonly [number, number, readonly number[]];
    packers.add(at, rows);
  }
  return packers.packed;
}
