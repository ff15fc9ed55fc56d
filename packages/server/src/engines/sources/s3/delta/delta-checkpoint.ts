/** Reads the checkpoint of a Delta table: the state of its log at a version, as Parquet. */
import { join } from 'node:path';
import { DaisError } from '@dais/api';
import type { Cell, QueryEngine, Statement, StatementResult } from '#engines/query/contract.ts';
import { call, column, filter, literal, named, scan } from '#engines/query/model/build.ts';
import { MOST_OBJECTS, type SourceObject } from '../../contract.ts';
import { actionsOf, readAction, type DeltaAction } from './delta-log.ts';
import { collectYielding } from './collect-yielding.ts';
import { structFields } from './struct-fields.ts';

export interface CheckpointIo {
  readonly engine: QueryEngine;
  /** Empty folder for fetched files. */
  readonly folder: string;
  readonly signal: AbortSignal;
  /** @throws DaisError `not_found`, `too_large` */
  readonly text: (name: string) => Promise<string>;
  /** Downloads to a new path. @throws the same. */
  readonly download: (name: string, path: string) => Promise<void>;
}

const MOST_SIDECARS = 10_000;

/**
 * Yields its actions, without earlier removals. `names`: all files of one checkpoint.
 * @throws DaisError `not_found`, `too_large`, `upstream_failed`; QueryError for a file that is not Parquet.
 */
export async function readCheckpoint(
  where: string,
  names: readonly string[],
  io: CheckpointIo,
): Promise<readonly DeltaAction[]> {
  const [first = ''] = names;
  const actions = first.endsWith('.json')
    ? await collectYielding(actionsOf(await io.text(first), where))
    : await parquetActions(where, names, io);
  const sidecars = actions.flatMap(({ sidecar }) => {
    const name = sidecar?.path.split('/').at(-1);
    return name === undefined ? [] : [`${first.slice(0, first.lastIndexOf('/'))}/_sidecars/${decoded(name)}`];
  });
  if (sidecars.length === 0) return actions;
  return [...actions, ...(await parquetActions(where, [...new Set(sidecars)], io))];
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

async function parquetActions(
  where: string,
  names: readonly string[],
  { engine, folder, signal, download }: CheckpointIo,
): Promise<readonly DeltaAction[]> {
  const files = [];
  for (const name of names) {
    const path = join(folder, name.replaceAll('/', '_'));
    await download(name, path);
    files.push({ path, name, format: 'parquet' as const });
  }
  const { columns } = await engine.describe({ files }, { signal });
  const fields = new Map(columns.map(({ name, type }) => [name, structFields(type)]));
  const [head, ...rest] = ACTION_QUERIES.flatMap(({ of, fields: fieldNames, limit }): ActionQuery[] => {
    const there = fields.get(of) ?? [];
    const [must = ''] = fieldNames;
    if (!there.includes(must)) return [];
    const found = fieldNames.filter((name) => there.includes(name));
    const value = (name: string) => call('field', column(of), literal(name));
    const query = {
      type: 'project' as const,
      from: filter(scan('t'), call('is-not-null', value(must))),
      columns: found.map((name) => named(name, value(name))),
    };
    return [{ of, found, statement: { query, output: { type: 'rows', limit } } }];
  });
  if (head === undefined) return [];
  const more = rest.map(({ statement }) => statement);
  const results = await engine.run({ tables: { t: { files } }, ...head.statement, more }, { signal });
  return await collectYielding(
    resultActions(
      where,
      [head, ...rest].map((request, at) => ({ request, result: [results, ...results.more][at] })),
    ),
  );
}

function* resultActions(
  where: string,
  responses: readonly { readonly request: ActionQuery; readonly result: StatementResult | undefined }[],
): Generator<DeltaAction> {
  for (const { request, result } of responses) {
    if (result?.truncated === true)
      throw new DaisError('too_large', `${where} has too many files; the maximum is ${MOST_OBJECTS}.`);
    for (const row of result?.rows ?? []) {
      const value = Object.fromEntries(request.found.map((name, n) => [name, plain(name, row[n] ?? null)]));
      yield readAction({ [request.of]: value }, where);
    }
  }
}

interface ActionQuery {
  readonly of: string;
  readonly found: readonly string[];
  readonly statement: Statement;
}

/** Queried fields of a checkpoint; the first field shows whether a row has this action. */
const ACTION_QUERIES = [
  { of: 'protocol', fields: ['minReaderVersion', 'readerFeatures'], limit: 10 },
  { of: 'metaData', fields: ['schemaString', 'partitionColumns', 'format', 'configuration'], limit: 10 },
  { of: 'add', fields: ['path', 'partitionValues', 'deletionVector'], limit: MOST_OBJECTS },
  { of: 'sidecar', fields: ['path'], limit: MOST_SIDECARS },
] as const;

/** A map is a list of pairs, and an absent value is a struct of NULLs. */
function plain(name: string, value: Cell): unknown {
  if (name === 'partitionValues' || name === 'configuration') {
    return Array.isArray(value) ? Object.fromEntries(value as readonly (readonly [string, Cell])[]) : value;
  }
  const { storageType } = (value ?? {}) as { readonly storageType?: Cell };
  return name === 'deletionVector' && (storageType ?? null) === null ? null : value;
}

/** The objects of a log were listed before; a missing name was removed since. */
export function objectOf(objects: ReadonlyMap<string, SourceObject>, name: string, where: string): SourceObject {
  const object = objects.get(name);
  if (object !== undefined) return object;
  throw new DaisError('not_found', `${where} has an incomplete log: ${name} is missing.`);
}
