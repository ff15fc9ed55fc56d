/** Reads Parquet files of a table format: mapped column names, constant values, deleted rows. */
import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { rowNumbers, type ShapedColumn } from '../../model/parquet-shape.ts';
import { sqlType } from '../sql/column-types.ts';
import { dataError } from './data-errors.ts';
import { stageOf, type Session } from '../session.ts';
import type { OpenedFile } from './source-files.ts';
import { identifier, text, textList } from '../sql/sql-text.ts';

/** A column in one or more files: its name there, or its constant value in each. */
type Found = { readonly column: string } | { readonly text: string | null } | { readonly value: number };

interface ShapedFile {
  readonly file: OpenedFile;
  /** In the column order of the table. */
  readonly found: readonly Found[];
}

/** Files with more rows are rare; 128 MiB of bits. */
const MOST_BITS = 2 ** 30;

interface TableLocation {
  readonly table: string;
  /** Folder for temporary files for DuckDB. */
  readonly folder: string;
  readonly number: number;
}

/**
 * Returns a SELECT of the columns of the table, with `~file` and `file_row_number` of the file, in the order of files and rows.
 * @throws QueryError `data_invalid`, and errors of DuckDB for a damaged file.
 */
export async function shapedRelation(
  session: Session,
  shape: readonly ShapedColumn[],
  files: readonly OpenedFile[],
  location: TableLocation,
): Promise<string> {
  const shaped = await byName(session, shape, files, location.table);
  const deleted = await deletedRows(session, files, location);
  let first = 0;
  const selects: string[] = [];
  for (const run of runsOf(shaped)) {
    selects.push(await runSelect(session, shape, run, { table: location.table, deleted, first }));
    first += run.length;
  }
  return selects.join(' UNION ALL ');
}

/** Resolves field ids to the column names of each file. */
async function byName(
  session: Session,
  shape: readonly ShapedColumn[],
  files: readonly OpenedFile[],
  table: string,
): Promise<readonly ShapedFile[]> {
  const byId = shape.some(({ from }) => 'field' in from);
  const paths = files.map(({ source }) => source.path);
  const fields = byId ? await fieldNames(session, paths) : new Map<string, ReadonlyMap<number, string>>();
  return files.map((file): ShapedFile => {
    const names = fields.get(file.source.path);
    if (byId && names === undefined) {
      throw dataError(
        'column-missing',
        { table, file: file.name },
        'Its columns have no field ids, which the table requires.',
        'Rewrite the file with a writer that supports the table format.',
      );
    }
    const found = shape.map(({ from }): Found => {
      if (!('field' in from)) return from;
      const column = names?.get(from.field);
      return column === undefined ? { text: from.otherwise ?? null } : { column };
    });
    return { file, found };
  });
}

/** Returns the column names of each file by field id; no entry for a file without ids. */
async function fieldNames(
  session: Session,
  paths: readonly string[],
): Promise<ReadonlyMap<string, ReadonlyMap<number, string>>> {
  const rows = await session.rows(
    `SELECT file_name, name, field_id, num_children FROM parquet_schema(${textList(paths)})`,
  );
  const found = new Map<string, Map<number, string>>();
  // A tree in preorder: each column is followed by its children.
  let [file, inner] = ['', 0];
  for (const { file_name: of, name, field_id: id, num_children: children } of rows) {
    if (of !== file) {
      // The first element is the row itself.
      [file, inner] = [String(of), 0];
      continue;
    }
    if (inner > 0) inner += Number(children ?? 0) - 1;
    else {
      inner = Number(children ?? 0);
      if (id === null || id === undefined) continue;
      const names = found.get(file) ?? new Map<number, string>();
      found.set(file, names.set(Number(id), String(name)));
    }
  }
  return found;
}

/** Adjacent files that are read in the same way. */
function runsOf(files: readonly ShapedFile[]): readonly (readonly ShapedFile[])[] {
  const runs: ShapedFile[][] = [];
  let before = '';
  for (const one of files) {
    const way = JSON.stringify(one.found);
    const run = runs.at(-1);
    if (run !== undefined && way === before) run.push(one);
    else runs.push([one]);
    before = way;
  }
  return runs;
}

/** Creates a table of the deleted rows, by file number; undefined when there are none. */
async function deletedRows(
  session: Session,
  files: readonly OpenedFile[],
  { folder, number }: TableLocation,
): Promise<string | undefined> {
  if (files.every(({ source }) => source.part?.deleted === undefined)) return undefined;
  const listed = path.join(folder, `deleted-${number}.csv`);
  await pipeline(Readable.from(deletedLines(files)), createWriteStream(listed));
  const table = `${stageOf(2)}.${identifier(`~d${number}`)}`;
  const columns = "{'file': 'BIGINT', 'row': 'BIGINT'}";
  await session.run(
    `CREATE TABLE ${table} AS SELECT * FROM read_csv(${text(listed)}, header = false, delim = ',', auto_detect = false, columns = ${columns})`,
  );
  return table;
}

function* deletedLines(files: readonly OpenedFile[]): Generator<string> {
  let lines = '';
  for (const [at, { source }] of files.entries()) {
    for (const row of rowNumbers(source.part?.deleted ?? '')) {
      lines += `${at},${row}\n`;
      if (lines.length < 65_536) continue;
      yield lines;
      lines = '';
    }
  }
  yield lines;
}

/** `first`: number of files of the table before those of the run. */
async function runSelect(
  session: Session,
  shape: readonly ShapedColumn[],
  run: readonly ShapedFile[],
  { table, deleted, first }: { readonly table: string; readonly deleted: string | undefined; readonly first: number },
): Promise<string> {
  const paths = run.map(({ file }) => file.source.path);
  const read = `read_parquet(${textList(paths)}${paths.length > 1 ? ', union_by_name = true' : ''}, hive_partitioning = false, filename = '~file', file_row_number = true)`;
  const { columns: there } = await session.bind(`SELECT * EXCLUDE ("~file", file_row_number) FROM ${read}`);
  const names = new Map(there.map(({ name }) => [name.toLowerCase(), name]));
  // It would hide the column of the reader.
  const taken = names.get('file_index');
  if (taken !== undefined) {
    const problem = `A column named "${taken}" cannot be read from a file of this table.`;
    throw dataError('column-extra', { table, file: run[0]?.file.name ?? table }, problem, 'Rename it.');
  }
  const selected = shape.map(({ name, type }, at) => {
    const found = run[0]?.found[at] ?? { text: null };
    const as = identifier(name);
    if ('column' in found) {
      const known = names.get(found.column.toLowerCase());
      return `CAST(${known === undefined ? 'NULL' : `t.${identifier(known)}`} AS ${sqlType(type)}) AS ${as}`;
    }
    const values =
      'text' in found ? [found.text] : run.map(({ file }) => file.source.part?.values?.[found.value] ?? null);
    return `${constant(values, sqlType(type))} AS ${as}`;
  });
  const select = `SELECT ${[...selected, 't."~file"', 't.file_row_number'].join(', ')} FROM ${read} AS t`;
  if (deleted === undefined || run.every(({ file }) => file.source.part?.deleted === undefined)) return select;
  const [only] = run;
  const most = run.length === 1 ? highest(only?.file.source.part?.deleted ?? '') : MOST_BITS;
  if (most === -1) return select;
  if (most < MOST_BITS) {
    // Looked up per row, so that the order of a large file is kept without a sort.
    const bits = `(SELECT bitstring_agg(d."row", 0::BIGINT, ${most}::BIGINT) FROM ${deleted} AS d WHERE d."file" = ${first})`;
    const there = `get_bit(${bits}, CAST(t.file_row_number AS INTEGER)) = 0`;
    return `(${select} WHERE CASE WHEN t.file_row_number > ${most} THEN true ELSE ${there} END)`;
  }
  // A join may return rows in any order.
  return `(${select} WHERE NOT EXISTS (SELECT 1 FROM ${deleted} AS d WHERE d."file" = t.file_index + ${first} AND d."row" = t.file_row_number) ORDER BY t.file_index, t.file_row_number)`;
}

/** -1: none. */
function highest(deleted: string): number {
  let last = -1;
  for (const row of rowNumbers(deleted)) last = row;
  return last;
}

/** The value of each file, by file number. */
function constant(values: readonly (string | null)[], type: string): string {
  const [first = null] = values;
  if (values.every((value) => value === first)) return castOf(literal(first, type), type);
  const list = `[${values.map((value) => literal(value, type)).join(', ')}]`;
  return `list_extract(${castOf(list, `${type}[]`)}, CAST(t.file_index AS BIGINT) + 1)`;
}

const castOf = (value: string, type: string) => `CAST(${value} AS ${type})`;

function literal(value: string | null, type: string): string {
  if (value === null) return 'NULL';
  return type === 'BLOB' ? `from_base64(${text(value)})` : text(value);
}
