/** SQL queries over datasets. */
import { DaisError } from '@dais/api';
import { parseDatasetReference, type DatasetVersion, type queryDataOperation } from '@dais/api/data';
import type { Relation } from '#engines/query/model/query-tree.ts';
import type { Call, CallOf } from '#kernel/entry.ts';
import { transact } from '#kernel/transaction.ts';
import { keyOf } from '#ledgers/lineage/index.ts';
import { meterQuery } from '#ledgers/usage/index.ts';
import type { DataDependencies } from '../data-dependencies.ts';
import { requireInspectable } from '../versions/resolve.ts';
import { findReadable, maskedView, withTables, type ReadableVersion } from './read-version.ts';
import { namesInSql } from './sql-tables.ts';

/** Maximum number of datasets per query. */
const MAX_TABLES = 32;

export async function queryData(dependencies: DataDependencies, call: CallOf<typeof queryDataOperation>) {
  const { sql, tables: named = {}, limit } = call.input;
  const { type, id } = call.context.principal;
  const requested = new Map(Object.entries(named));
  for (const [table, reference] of await mentioned(dependencies, call, sql)) {
    if (!requested.has(table)) requested.set(table, reference);
  }
  if (requested.size > MAX_TABLES) {
    throw new DaisError(
      'query_invalid',
      `The query refers to ${requested.size} datasets, more than the limit of ${MAX_TABLES}.`,
    );
  }
  const readable = new Map<string, ReadableVersion>();
  for (const [table, reference] of requested) readable.set(table, await permitted(dependencies, call, reference));
  const engine = await dependencies.query();
  // Tables have numbers as names, so that no table of the engine has a name from the query.
  const files: Record<string, DatasetVersion> = {};
  const views: Record<string, Relation> = {};
  for (const [at, [table, one]] of [...readable].entries()) {
    files[`dataset_${at}`] = one.version;
    views[table] = maskedView(`dataset_${at}`, one);
  }
  const [first] = Object.values(files);
  const metered = {
    projectId: call.tenant.id,
    actor: call.context.principal,
    ...(first !== undefined && { resource: `Dataset/${first.dataset}`, lineage: keyOf('dataset-version', first.id) }),
  };
  const result = await withTables(dependencies, files, async (sources) => {
    const query: Relation = { type: 'sql', dialect: 'duckdb', sql, views };
    const job = {
      tables: sources,
      query,
      output: { type: 'rows', limit } as const,
      owner: call.tenant.id,
      caller: `${type}:${id}`,
    };
    const { signal } = call.context;
    return await meterQuery(dependencies, metered, async () => await engine.run(job, { signal }));
  });
  return {
    columns: result.columns.map(({ name, type }) => ({ name, type })),
    rows: result.rows,
    truncated: result.truncated,
    masked: [...new Set([...readable.values()].flatMap(({ masked }) => masked.map(({ column }) => column)))],
    versions: Object.fromEntries(
      [...readable].map(([table, { version }]) => [table, `${version.dataset}@${version.number}`]),
    ),
  };
}

/** Resolves a dataset. @throws the same DaisError for a dataset that does not exist and one that the caller may not read */
async function permitted(dependencies: DataDependencies, call: Call, reference: string): Promise<ReadableVersion> {
  const parsed = parseDatasetReference(reference);
  if (parsed === undefined)
    throw new DaisError('invalid_request', `${reference} is not a reference to a dataset version.`);
  await call.authorize({ kind: 'Dataset', name: parsed.dataset }, call.tenant, 'dataset:read');
  const found = await findReadable(dependencies, call, reference);
  requireInspectable(found.version);
  return found;
}

/** Returns the names in the SQL that are readable datasets, with table and version. */
async function mentioned(
  { database }: DataDependencies,
  call: Call,
  sql: string,
): Promise<readonly (readonly [string, string])[]> {
  const references = namesInSql(sql).flatMap((name) => {
    const parsed = parseDatasetReference(name);
    return parsed === undefined ? [] : [{ name, dataset: parsed.dataset }];
  });
  const existing = await transact(database, { mode: 'read', projectId: call.tenant.id }, async (tx) => {
    const rows = await tx.sql.query<{ name: string }>(
      'select name from data.dataset where project_id = $1 and name = any($2::text[])',
      [call.tenant.id, references.map(({ dataset }) => dataset)],
      'mentioned_datasets',
    );
    return new Set(rows.map(({ name }) => name));
  });
  const found: (readonly [string, string])[] = [];
  for (const { name, dataset } of references) {
    if (!existing.has(dataset)) continue;
    try {
      await call.authorize({ kind: 'Dataset', name: dataset }, call.tenant, 'dataset:read');
      found.push([name, name]);
    } catch (error) {
      // The name of a dataset that the caller may not see is treated as any other word.
      if (!(error instanceof DaisError) || (error.code !== 'forbidden' && error.code !== 'not_found')) throw error;
    }
  }
  return found;
}
