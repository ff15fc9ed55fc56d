/** Applies equality deletes of an Iceberg table: finds deleted rows of a fetched file and returns their numbers. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DaisError } from '@dais/api';
import type { FileTable, QueryEngine, SourceFile } from '#engines/query/contract.ts';
import { aggregate, ascending, call, column, literal, named, scan } from '#engines/query/model/build.ts';
import type { Relation } from '#engines/query/model/query-tree.ts';
import { rowNumbers, type ShapedColumn, type ShapedPart } from '#engines/query/model/parquet-shape.ts';
import { mergedRows, type DeletedRows } from '../deleted-rows.ts';
import { packLines } from './iceberg-deletes.ts';
import type { IcebergColumns } from './iceberg-schema.ts';
import type { IcebergFile } from './iceberg-table.ts';

/** The equality deletes of one data file, by their columns. */
export interface EqualityPlan {
  readonly by: readonly { readonly columns: readonly string[]; readonly files: readonly string[] }[];
}

/**
 * Returns the deletes of each affected data file by path: those of later commits, of its partition or unpartitioned.
 * @throws DaisError `invalid_state` for deletes by dropped columns.
 */
export function equalityPlans(
  where: string,
  { fields }: IcebergColumns,
  data: readonly IcebergFile[],
  deletes: readonly IcebergFile[],
): ReadonlyMap<string, EqualityPlan> {
  const names = new Map(fields.map(({ id, name }) => [id, name]));
  const plans = new Map<string, EqualityPlan>();
  for (const file of data) {
    const by = new Map<string, { readonly columns: readonly string[]; readonly files: string[] }>();
    for (const { path, sequence, partition, deletes: of } of deletes) {
      if (of?.type !== 'equality' || sequence <= file.sequence) continue;
      if (partition !== undefined && partition !== file.partition) continue;
      const key = of.fields.join(' ');
      const columns = of.fields.map((id) => {
        const name = names.get(id);
        if (name !== undefined) return name;
        const remedy = 'Rewrite its data files (`rewrite_data_files` with `delete-file-threshold` 1).';
        throw new DaisError(
          'invalid_state',
          `${where} has equality deletes by a dropped or nested column, which is not supported. ${remedy}`,
        );
      });
      const group = by.get(key) ?? { columns, files: [] };
      group.files.push(path);
      by.set(key, group);
    }
    if (by.size > 0) plans.set(file.path, { by: [...by.values()] });
  }
  return plans;
}

export interface EqualityIo {
  readonly engine: QueryEngine;
  /** Private scratch folder. */
  readonly folder: string;
  readonly signal: AbortSignal;
  /** Counts what is found. */
  readonly gone: DeletedRows;
  /** Returns the local path of a delete file. */
  readonly local: (path: string) => Promise<string>;
}

/** Rows per line. */
const BUCKET = 65_536;

/**
 * Returns the part of the data file at `path`, with rows deleted by value in addition to those of `part`.
 * @throws DaisError `too_large`; QueryError for a file that is not Parquet.
 */
export async function withoutEqual(
  path: string,
  table: { readonly shape: readonly ShapedColumn[]; readonly plan: EqualityPlan; readonly part: ShapedPart },
  io: EqualityIo,
): Promise<ShapedPart> {
  const { shape, plan, part } = table;
  const tables: Record<string, FileTable> = {
    data: { files: [{ path, format: 'parquet', part }], shape, provenance: { file: '~file', row: '~row' } },
  };
  const gone: Relation[] = [];
  for (const [at, { columns, files }] of plan.by.entries()) {
    const local: SourceFile[] = [];
    for (const name of files) local.push({ path: await io.local(name), name, format: 'parquet', part: {} });
    const columnSet = new Set(columns);
    tables[`gone ${at}`] = { files: local, shape: shape.filter(({ name }) => columnSet.has(name)) };
    gone.push({
      type: 'project',
      columns: [named('row', call('-', column('~row'), literal(1)))],
      from: {
        type: 'join',
        kind: 'semi',
        left: scan('data', [...columns, '~row']),
        right: scan(`gone ${at}`),
        keys: columns.map((name) => ({ left: name, right: name })),
        nullsMeet: true,
      },
    });
  }
  const listed = join(io.folder, 'equal.ndjson');
  const output = { type: 'ndjson', path: listed } as const;
  await io.engine.run({ tables, query: inLists({ type: 'union', of: gone }), output }, { signal: io.signal });
  const found = (await packLines(listed, io.gone)).get(0);
  await rm(listed, { force: true });
  if (found === undefined) return part;
  // The rows of `part` were not checked again.
  const rows = () => mergedRows(rowNumbers(part.deleted ?? ''), rowNumbers(found));
  return { ...part, deleted: await io.gone.pack(rows) };
}

function inLists(from: Relation): Relation {
  return {
    type: 'sort',
    by: [ascending('bucket')],
    from: {
      type: 'project',
      columns: [named('at', literal(0)), named('bucket', column('bucket')), named('rows', column('rows'))],
      from: {
        type: 'aggregate',
        by: [named('bucket', call('bucket', column('row'), literal(BUCKET)))],
        columns: [named('rows', aggregate('list', [column('row')], { order: [ascending('row')] }))],
        from: { type: 'distinct', from },
      },
    },
  };
}
