/** Reads predictions as rows: by SQL, the newest, one by id, and as CloudEvents. */
import { createWriteStream } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DaisError } from '@dais/api';
import { readPredictionId } from '@dais/api/gateway';
import type {
  exportPredictionsOperation,
  Prediction,
  PredictionRows,
  queryPredictionsOperation,
  readPredictionOperation,
  tailPredictionsOperation,
} from '@dais/api/serving';
import type { FileTable } from '#engines/query/contract.ts';
import { ascending, call as fn, column, descending, literal, named } from '#engines/query/model/build.ts';
import type { Expression, Relation } from '#engines/query/model/query-tree.ts';
import type { CallOf } from '#kernel/entry.ts';
import { transact } from '#kernel/transaction.ts';
import { keyOf } from '#ledgers/lineage/index.ts';
import { versionKeyOf } from '#ledgers/registry/index.ts';
import { meterQuery } from '#ledgers/usage/index.ts';
import { uuidv7 } from '#lib/ids.ts';
import type { Collector } from './collect.ts';
import { filesOfMark, withFiles, type LocalPredictions } from './file-rows.ts';
import { keyColumns, labelLines, labelsOf, LABEL_COLUMNS, presentLabel } from './label-rows.ts';
import { labeledView } from './labeled-view.ts';
import type { PredictionsDependencies } from './predictions-dependencies.ts';
import { filesBetween, maskedFor, maskedView } from './prediction-access.ts';

/** The rows of a period, whose bounds differ from those of files. */
function within(relation: Relation, { from, until }: { readonly from?: number; readonly until?: number }): Relation {
  const at = (ms: number) => literal(new Date(ms).toISOString(), 'timestamp');
  const where: Expression[] = [
    ...(from === undefined ? [] : [fn('>=', column('predicted_at'), at(from))]),
    ...(until === undefined ? [] : [fn('<', column('predicted_at'), at(until))]),
  ];
  return where.length === 0 ? relation : { type: 'filter', from: relation, where: fn('and', literal(true), ...where) };
}

export async function queryPredictions(
  dependencies: PredictionsDependencies,
  collector: Collector,
  call: CallOf<typeof queryPredictionsOperation>,
): Promise<PredictionRows> {
  const { input, tenant, context } = call;
  await collector.collect();
  const files = await filesBetween(dependencies, tenant.id, input.endpoint, input);
  const engine = await dependencies.query();
  return await withFiles(dependencies, tenant.id, files, async (local) => {
    const masked = await maskedFor(dependencies, call, local.columns);
    const predictions = maskedView(within(local.relation, input), local.columns, masked);
    return await withLabels(dependencies, call, async (labels, table) => {
      const views = {
        predictions,
        labels: { type: 'scan' as const, table: 'labels' },
        labeled: labeledView(predictions, local.columns, labels),
      };
      const { principal, signal } = context;
      const job = {
        tables: { ...local.tables, labels: table },
        query: { type: 'sql', dialect: 'duckdb', sql: input.sql, views } as const,
        output: { type: 'rows', limit: input.limit } as const,
        owner: tenant.id,
        caller: `${principal.type}:${principal.id}`,
      };
      const metered = { projectId: tenant.id, actor: principal, resource: `Endpoint/${input.endpoint}` };
      const result = await meterQuery(dependencies, metered, async () => await engine.run(job, { signal }));
      return {
        columns: [...result.columns],
        rows: result.rows.map((row) => [...row]),
        truncated: result.truncated,
        masked: [...masked],
      };
    });
  });
}

/** Provides the labels of an endpoint as a file for the engine; returns the key columns. */
async function withLabels<T>(
  dependencies: PredictionsDependencies,
  { tenant, input }: CallOf<typeof queryPredictionsOperation>,
  work: (keys: readonly string[], table: FileTable) => Promise<T>,
): Promise<T> {
  const scratch = join(dependencies.folder, uuidv7());
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  try {
    const path = join(scratch, 'labels.ndjson');
    const of = { projectId: tenant.id, endpoint: input.endpoint };
    await pipeline(Readable.from(labelLines(dependencies, of)), createWriteStream(path, { mode: 0o600 }));
    const keys = await keyColumns(dependencies, of);
    return await work(keys, { files: [{ path, name: 'labels', format: 'ndjson' }], columns: LABEL_COLUMNS });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

export async function latestPredictions(
  dependencies: PredictionsDependencies,
  collector: Collector,
  call: CallOf<typeof tailPredictionsOperation>,
): Promise<PredictionRows> {
  const { input, tenant } = call;
  await collector.collect();
  const from = input.after === undefined ? undefined : positionOf(input.after).at;
  let files = await filesBetween(dependencies, tenant.id, input.endpoint, from === undefined ? {} : { from });
  if (input.after === undefined) {
    // Newest first, until there are enough rows.
    let rows = 0;
    files = files.filter(({ rows: more }) => (rows < input.limit ? ((rows += more), true) : false));
  }
  return await withFiles(dependencies, tenant.id, files, async (local) => {
    const newer: Relation =
      input.after === undefined
        ? local.relation
        : { type: 'filter', from: local.relation, where: fn('>', column('prediction_id'), literal(input.after)) };
    const order = [ascending('prediction_id'), ascending('row')];
    if (input.after !== undefined)
      return await rowsOf(dependencies, call, local, { type: 'sort', from: newer, by: order });
    const last: Relation = {
      type: 'limit',
      from: { type: 'sort', from: newer, by: [descending('prediction_id'), descending('row')] },
      count: input.limit,
    };
    return await rowsOf(dependencies, call, local, { type: 'sort', from: last, by: order });
  });
}

/** Returns all rows of predictions of a period, ordered by id; `more` if further ones exist. */
export async function exportRows(
  dependencies: PredictionsDependencies,
  collector: Collector,
  call: CallOf<typeof exportPredictionsOperation>,
): Promise<{ readonly rows: PredictionRows; readonly more: boolean }> {
  const { input, tenant } = call;
  await collector.collect();
  const start = input.after === undefined ? input.from : Math.max(input.from ?? 0, positionOf(input.after).at);
  const time = {
    ...(start !== undefined && { from: start }),
    ...(input.until !== undefined && { until: input.until }),
  };
  const files = await filesBetween(dependencies, tenant.id, input.endpoint, time);
  return await withFiles(dependencies, tenant.id, files, async (local) => {
    const all = within(local.relation, time);
    const behind: Relation =
      input.after === undefined
        ? all
        : { type: 'filter', from: all, where: fn('>', column('prediction_id'), literal(input.after)) };
    const ids: Relation = {
      type: 'distinct',
      from: { type: 'project', from: behind, columns: [named('p', column('prediction_id'))] },
    };
    const page: Relation = {
      type: 'limit',
      from: { type: 'sort', from: ids, by: [ascending('p')] },
      count: input.limit,
    };
    const relation: Relation = {
      type: 'sort',
      from: { type: 'join', kind: 'semi', left: behind, right: page, keys: [{ left: 'prediction_id', right: 'p' }] },
      by: [ascending('prediction_id'), ascending('row')],
    };
    const rows = await rowsOf(
      dependencies,
      { ...call, input: { ...input, limit: MOST_EXPORTED_ROWS } },
      local,
      relation,
    );
    const position = rows.columns.findIndex(({ name }) => name === 'prediction_id');
    return { rows, more: new Set(rows.rows.map((row) => row[position])).size === input.limit };
  });
}

async function rowsOf(
  dependencies: PredictionsDependencies,
  call: CallOf<typeof tailPredictionsOperation>,
  local: LocalPredictions,
  relation: Relation,
): Promise<PredictionRows> {
  const masked = await maskedFor(dependencies, call, local.columns);
  const result = await (
    await dependencies.query()
  ).run(
    {
      tables: local.tables,
      query: maskedView(relation, local.columns, masked),
      output: { type: 'rows', limit: call.input.limit },
      owner: call.tenant.id,
    },
    { signal: call.context.signal },
  );
  return {
    columns: [...result.columns],
    rows: result.rows.map((row) => [...row]),
    truncated: result.truncated,
    masked: [...masked],
  };
}

function positionOf(id: string) {
  const position = readPredictionId(id);
  if (position === undefined) throw new DaisError('invalid_request', `${id} is not a prediction ID.`);
  return position;
}

/** Most rows of an export page: the engine rejects larger pages. */
const MOST_EXPORTED_ROWS = 100_000;
/** Most rows of one request that are returned. */
const MOST_ROWS = 1000;

export async function getPrediction(
  dependencies: PredictionsDependencies,
  collector: Collector,
  call: CallOf<typeof readPredictionOperation>,
): Promise<Prediction> {
  const { input, tenant } = call;
  const projectId = tenant.id;
  const { at, endpoint: mark } = positionOf(input.id);
  await collector.collect();
  const hour = at - (at % 3_600_000);
  const all = await transact(
    dependencies.database,
    { mode: 'read', projectId },
    async ({ sql }) => await filesOfMark(sql, { projectId, mark, hour }),
  );
  for (const file of all.filter(({ name }) => name === input.endpoint)) {
    const found = await withFiles(dependencies, projectId, [file], async (local) => {
      const where = fn('=', column('prediction_id'), literal(input.id));
      const relation: Relation = {
        type: 'sort',
        from: { type: 'filter', from: local.relation, where },
        by: [ascending('row')],
      };
      return await rowsOf(dependencies, { ...call, input: { ...input, limit: MOST_ROWS } }, local, relation);
    });
    const [first] = found.rows;
    if (first === undefined) continue;
    const cell = (name: string) => first[found.columns.findIndex((one) => one.name === name)];
    const model = cell('model');
    const version = cell('version');
    const { labels, node } = await transact(dependencies.database, { mode: 'read', projectId }, async (tx) => ({
      labels: await labelsOf(tx.sql, { projectId, prediction: input.id }),
      node:
        typeof model === 'string' && typeof version === 'string' && /^\d{1,9}$/.test(version)
          ? await versionKeyOf(tx, model, Number(version))
          : undefined,
    }));
    return {
      id: input.id,
      endpoint: file.name,
      file: file.id,
      ...(typeof model === 'string' && { model }),
      ...(typeof version === 'string' && { version }),
      lineage: [keyOf('predictions', file.id), ...(node === undefined ? [] : [node])],
      columns: found.columns,
      rows: found.rows,
      masked: found.masked,
      labels: labels.map(presentLabel),
    };
  }
  throw new DaisError('not_found', `${input.endpoint} has no prediction ${input.id}.`);
}
