/** Shards of a batch prediction: their plan and their files. */
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { DaisError } from '@dais/api';
import type { DatasetVersion } from '@dais/api/data';
import type { ModelJobProblem } from '@dais/api/serving';
import type { Cell, FileTable, QueryEngine } from '#engines/query/contract.ts';
import { ascending, call, column, filter, literal, named, scan } from '#engines/query/model/build.ts';
import type { ColumnType } from '#engines/query/model/column-type.ts';
import type { Relation } from '#engines/query/model/query-tree.ts';
import { readJsonLines } from '#lib/formats/json-lines.ts';
import type { HostedModel } from '../hosted-model.ts';
import type { BatchRequest } from '../job-rows.ts';
import { outputColumns, type OutputColumns } from './output-columns.ts';
import { predictRows } from './predict-rows.ts';

export interface Shard {
  readonly number: number;
  /** Index of its file in the version. */
  readonly file: number;
  /** Rows of the file, from 1, inclusive. */
  readonly first: number;
  readonly last: number;
  /** Number of rows of the version before it. */
  readonly before: number;
}

const SHARD_ROWS = 20_000;
/** Most shards: each has a row and up to two files until the job ends. */
const MOST_SHARDS = 2000;

/** The same files give the same shards, so that a resumed job finds its finished ones. */
export function planShards(files: readonly { readonly rows: number }[]): readonly Shard[] {
  const rows = files.reduce((sum, file) => sum + file.rows, 0);
  const size = Math.max(SHARD_ROWS, Math.ceil(rows / MOST_SHARDS));
  const shards: Shard[] = [];
  let before = 0;
  for (const [file, { rows: count }] of files.entries()) {
    for (let first = 1; first <= count; first += size) {
      const last = Math.min(count, first + size - 1);
      shards.push({ number: shards.length, file, first, last, before: before + first - 1 });
    }
    before += count;
  }
  return shards;
}

/** Rows per prediction. */
const BLOCK = 1024;
const ANSWER_ROW = 'answer row';

export interface ShardWork {
  readonly engine: QueryEngine;
  readonly model: HostedModel;
  readonly version: DatasetVersion;
  /** The files of the version on this machine, in order. */
  readonly table: FileTable;
  readonly request: BatchRequest;
  readonly folder: string;
  readonly signal: AbortSignal;
  /** Columns of the outputs, known after the first prediction: the same for all shards. */
  form: OutputColumns | undefined;
}

export interface ShardFiles {
  readonly rows: number;
  readonly problems: readonly ModelJobProblem[];
  /** Parquet; undefined without rows. */
  readonly answers: string | undefined;
  /** NDJSON; undefined without rejects. */
  readonly rejects: string | undefined;
}

/** @throws RowRefused, DaisError, QueryError. */
export async function predictShard(work: ShardWork, shard: Shard): Promise<ShardFiles> {
  const folder = join(work.folder, `shard-${shard.number}`);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const source = sourceOf(work, shard);
  const input = join(folder, 'input.ndjson');
  const { engine, request, version, signal } = work;
  const owner = version.project;
  const options = { signal };
  const columns = [source.row, ...request.inputs];
  await engine.run(
    {
      tables: { rows: source.table },
      query: { type: 'project', from: source.rows, columns: columns.map((name) => named(name, column(name))) },
      output: { type: 'ndjson', path: input },
      owner,
    },
    options,
  );
  const answered = join(folder, 'answers.ndjson');
  const result = await callModel(work, shard, { input, answered });
  const rejects = result.problems.length === 0 ? undefined : join(folder, 'rejects.ndjson');
  if (rejects !== undefined) await writeLines(rejects, result.problems);
  if (result.rows === 0 || work.form === undefined) return { ...result, answers: undefined, rejects };
  const { files } = await engine.run(
    {
      tables: { rows: source.table, answers: answersTable(answered, work.form) },
      query: besides(source, request.columns, work.form),
      output: { type: 'parquet', folder, name: 'part', split: { type: 'one' } },
      owner,
    },
    options,
  );
  return { ...result, answers: files[0]?.path, rejects };
}

interface Source {
  readonly table: FileTable;
  /** Name of the column with the row number in the file. */
  readonly row: string;
  readonly rows: Relation;
}

function sourceOf({ table, version }: ShardWork, shard: Shard): Source {
  const file = table.files[shard.file];
  if (file === undefined) throw new Error(`the version has no file ${shard.file}`);
  const columnNames = new Set(version.schema.columns.map(({ name }) => name.toLowerCase()));
  const free = (name: string): string => (columnNames.has(name) ? free(`${name}_`) : name);
  const row = free('dais_row');
  const rowColumn = column(row);
  return {
    row,
    table: { ...table, files: [file], provenance: { file: free('dais_file'), row } },
    rows: {
      type: 'sort',
      from: filter(
        scan('rows'),
        call('>=', rowColumn, literal(shard.first)),
        call('<=', rowColumn, literal(shard.last)),
      ),
      by: [ascending(row)],
    },
  };
}

/** By position, not by name: output names of a model cannot collide with internal columns. */
function answersTable(path: string, { columns }: OutputColumns): FileTable {
  const placed = columns.map(({ type }, at) => ({ name: `answer ${at}`, type }));
  return {
    files: [{ path, name: 'answers', format: 'ndjson' }],
    columns: [{ name: ANSWER_ROW, type: 'int64' }, ...placed],
  };
}

/** Joins the columns of the data with the outputs, in the order of the data. */
function besides({ row, rows }: Source, kept: readonly string[], { columns }: OutputColumns): Relation {
  const joined: Relation = {
    type: 'join',
    kind: 'inner',
    left: rows,
    right: scan('answers'),
    keys: [{ left: row, right: ANSWER_ROW }],
    take: columns.map((_, at) => ({ column: `answer ${at}`, as: `answer ${at}` })),
  };
  return {
    type: 'project',
    from: { type: 'sort', from: joined, by: [ascending(row)] },
    columns: [
      ...kept.map((name) => named(name, column(name))),
      ...columns.map(({ name }, at) => named(name, column(`answer ${at}`))),
    ],
  };
}

async function callModel(
  work: ShardWork,
  shard: Shard,
  { input, answered }: { readonly input: string; readonly answered: string },
): Promise<{ readonly rows: number; readonly problems: readonly ModelJobProblem[] }> {
  const { model, request, version, signal } = work;
  const types = new Map(version.schema.columns.map(({ name, type }) => [name, type as ColumnType]));
  const columns = request.inputs.map((name) => ({ name, type: types.get(name) ?? 'string' }));
  const out = createWriteStream(answered, { mode: 0o600 });
  const ended = finished(out);
  // Awaited below; handle a rejection before that.
  ended.catch(() => {});
  const problems: ModelJobProblem[] = [];
  let seen = 0;
  let rows = 0;
  try {
    for await (const lines of readJsonLines<readonly Cell[]>([input], { batch: BLOCK, skip: 0, signal })) {
      signal.throwIfAborted();
      const block = { rows: lines.map((line) => line.slice(1)), first: shard.before + seen + 1 };
      const answer = await predictRows(model, columns, block, request.onError);
      const [problem] = answer.problems;
      if (rows === 0 && seen === 0 && answer.taken.length === 0 && lines.length === BLOCK && problem !== undefined) {
        throw new DaisError(
          'invalid_request',
          `The model rejected the first ${BLOCK} rows. Row ${problem.row}: ${problem.message}`,
        );
      }
      problems.push(...answer.problems);
      for (const { from, to, answer: tensors } of answer.taken) {
        work.form ??= outputColumns(tensors, model.outputColumns, request.columns);
        const text = linesOf(work.form.cells(tensors, to - from), rowNumbers(lines, from, to));
        if (!out.write(text)) await new Promise<void>((resolve) => out.once('drain', resolve));
        rows += to - from;
      }
      seen += lines.length;
      await nextTurn();
    }
  } finally {
    out.end();
    await ended;
  }
  return { rows, problems };
}

function rowNumbers(lines: readonly (readonly Cell[])[], from: number, to: number): readonly Cell[] {
  return lines.slice(from, to).map(([row]) => row ?? null);
}

function linesOf(cells: readonly (readonly Cell[])[], rows: readonly Cell[]): string {
  let text = '';
  for (const [at, own] of cells.entries()) {
    const fields = own.map((cell, position) => `"answer ${position}":${JSON.stringify(cell)}`);
    text += `{"${ANSWER_ROW}":${JSON.stringify(rows[at])},${fields.join()}}\n`;
  }
  return text;
}

async function writeLines(path: string, values: readonly unknown[]): Promise<void> {
  const out = createWriteStream(path, { mode: 0o600 });
  for (const value of values) out.write(`${JSON.stringify(value)}\n`);
  out.end();
  await finished(out);
}
