/** Converts rows of runs to records with all logged data, by arrays of ids instead of one large join. */
import type { DatasetInput, LatestMetric, Run, RunInfo, RunStatus } from '@dais/api/tracking';
import type { Sql } from '#engines/database/contract.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { artifactsOf, below, publicId } from '../experiments/experiment-lookup.ts';
import type { TrackingOptions } from '../dependencies.ts';

export interface RunRow {
  readonly num: bigint;
  readonly id: string;
  readonly name: string;
  readonly user_name: string;
  readonly status: string;
  readonly started_at: bigint;
  readonly ended_at: bigint | null;
  readonly deleted_at: bigint | null;
  readonly experiment: bigint;
  readonly is_default: boolean;
  readonly artifact_location: string | null;
}

/** Columns of `tracking.run r` joined with `tracking.experiment e`. */
export const RUN_COLUMNS =
  'r.num, r.id, r.name, r.user_name, r.status, r.started_at, r.ended_at, r.deleted_at, r.experiment, e.is_default, e.artifact_location' as const;

/** Loads one run. It has its own statement, because planning the statement for many runs takes longer than running it. */
export async function hydrateRun({ sql }: Transaction, row: RunRow, options: TrackingOptions): Promise<Run> {
  const run = bareRun(row, options);
  await addDetails(
    sql,
    new Map([[row.num, run]]),
    await sql.query<PartRow>(runDetails('= $1'), [row.num], 'run_parts_of_one'),
  );
  return run;
}

/** Loads many runs, in the order of `rows`. */
export async function hydrateRows(sql: Sql, rows: readonly RunRow[], options: TrackingOptions): Promise<Run[]> {
  if (rows.length === 0) return [];
  const runs = new Map(rows.map((row) => [row.num, bareRun(row, options)]));
  await addDetails(sql, runs, await sql.query<PartRow>(runDetails('= any($1)'), [[...runs.keys()]], 'run_parts'));
  return [...runs.values()];
}

async function addDetails(sql: Sql, runs: ReadonlyMap<bigint, RunDetails>, rows: readonly PartRow[]): Promise<void> {
  const reader = new JoinedReader();
  const plain = new Set<bigint>();
  for (const row of rows) {
    const run = runs.get(row.run);
    if (run !== undefined && !addPart(run, row, reader)) plain.add(row.run);
  }
  if (plain.size === 0) return;
  for (const row of await sql.query<PlainRow>(PLAIN_PARTS, [[...plain]], 'plain_run_parts')) {
    const run = runs.get(row.run);
    if (run === undefined) continue;
    if (row.part === 'metrics') run.metrics = metricsOf(row.data);
    else run[row.part] = row.data;
  }
}

export function runInfo(row: Omit<RunRow, 'num'>, options: TrackingOptions): RunInfo {
  return {
    id: row.id,
    name: row.name,
    experimentId: publicId({ id: row.experiment, is_default: row.is_default }),
    user: row.user_name,
    status: row.status as RunStatus,
    startedAt: Number(row.started_at),
    ...(row.ended_at !== null && { endedAt: Number(row.ended_at) }),
    artifactUri: runArtifacts(row, options),
    lifecycle: row.deleted_at === null ? 'active' : 'deleted',
  };
}

function runArtifacts(row: Omit<RunRow, 'num'>, options: TrackingOptions): string {
  return below(artifactsOf({ ...row, id: row.experiment }, options), `${row.id}/artifacts`);
}

interface RunDetails {
  metrics: Run['metrics'];
  params: Run['params'];
  tags: Run['tags'];
  datasets: Run['datasets'];
  modelInputs: Run['modelInputs'];
  modelOutputs: Run['modelOutputs'];
}

function bareRun(row: RunRow, options: TrackingOptions): RunInfo & RunDetails {
  const dependencies = { metrics: [], params: {}, tags: {}, datasets: [], modelInputs: [], modelOutputs: [] };
  return { ...runInfo(row, options), ...dependencies };
}

/** Returns false if the row has to be read as JSON. */
function addPart(run: RunDetails, row: PartRow, reader: JoinedReader): boolean {
  switch (row.part) {
    case 'params':
    case 'tags': {
      const pairs = reader.pairs(row);
      if (pairs !== undefined) run[row.part] = pairs;
      return pairs !== undefined;
    }
    case 'metrics': {
      const metrics = reader.metrics(row);
      if (metrics !== undefined) run.metrics = metrics;
      return metrics !== undefined;
    }
    case 'datasets':
      run.datasets = row.data.map(datasetInput);
      return true;
    case 'inputs':
      run.modelInputs = row.data;
      return true;
    default:
      run.modelOutputs = row.data.map(([modelId, step]) => ({ modelId, step }));
      return true;
  }
}

function datasetInput([name, digest, sourceType, source, schema, profile, tags]: DatasetTuple): DatasetInput {
  const more = { ...(schema !== null && { schema }), ...(profile !== null && { profile }) };
  return { dataset: { name, digest, sourceType, source, ...more }, tags };
}

/** Separator of texts. A text that contains it is detected by the number of texts, and read as JSON. */
const MARK = '\u0001';
const joined = (column: string) => `string_agg(${column}, E'\\x01')`;
const numbers = (column: string) => `string_agg(${column}::text, ',')`;

interface JoinedRow {
  readonly run: bigint;
  readonly n: number;
  readonly keys: string;
  /** Metrics: three lists of numbers, in JSON except for NaN and the infinities. */
  readonly texts: string;
}

export type DatasetTuple = [
  name: string,
  digest: string,
  sourceType: string,
  source: string,
  schema: string | null,
  profile: string | null,
  tags: Record<string, string>,
];
export type PartRow =
  | ({ readonly part: 'params' | 'tags' | 'metrics' } & JoinedRow)
  | { readonly part: 'datasets'; readonly run: bigint; readonly data: DatasetTuple[] }
  | { readonly part: 'inputs'; readonly run: bigint; readonly data: string[] }
  | { readonly part: 'outputs'; readonly run: bigint; readonly data: [model: string, step: number][] };

type MetricColumns = [keys: string[], values: LatestMetric['value'][], timestamps: number[], steps: number[]];
export type PlainRow =
  | { readonly part: 'params' | 'tags'; readonly run: bigint; readonly data: Record<string, string> }
  | { readonly part: 'metrics'; readonly run: bigint; readonly data: MetricColumns };

const runDetails = (of: '= $1' | '= any($1)') => `
select 'params' as part, run, count(*)::int as n, ${joined('key')} as keys, ${joined('value')} as texts, null::json as data
from tracking.param where run ${of} group by run
union all
select 'tags', run, count(*)::int, ${joined('key')}, ${joined('value')}, null from tracking.tag where run ${of} group by run
union all
select 'metrics', run, count(*)::int, ${joined('key')}, '[[' || ${numbers('value')} || '],[' || ${numbers('ts')} || '],[' || ${numbers('step')} || ']]',
  null
from tracking.metric where run ${of} group by run
union all
select 'datasets', i.run, null, null, null, json_agg(json_build_array(d.name, d.digest, d.source_type, d.source, d.schema, d.profile, i.tags) order by d.id)
from tracking.dataset_input i join tracking.dataset d on d.id = i.dataset where i.run ${of} group by i.run
union all
select 'inputs', run, null, null, null, json_agg(model order by model) from tracking.model_input where run ${of} group by run
union all
select 'outputs', run, null, null, null, json_agg(json_build_array(model, step) order by step, model) from tracking.model_output where run ${of} group by run`;

/** Reads the few runs with a text that contains the separator. */
const PLAIN_PARTS = `
select 'params' as part, run, json_object_agg(key, value) as data from tracking.param where run = any($1) group by run
union all
select 'tags', run, json_object_agg(key, value) from tracking.tag where run = any($1) group by run
union all
select 'metrics', run, json_build_array(array_agg(key), array_agg(value), array_agg(ts), array_agg(step)) from tracking.metric where run = any($1) group by run`;

function metricsOf([keys, values, timestamps, steps]: MetricColumns): LatestMetric[] {
  return keys.map((key, index) => ({
    key,
    value: values[index] ?? Number.NaN,
    timestamp: timestamps[index] ?? 0,
    step: steps[index] ?? 0,
  }));
}

/** Reads the rows of many runs, which mostly have the same keys. Undefined: a text contains the separator. */
class JoinedReader {
  readonly #keys = new Map<string, string[] | undefined>();

  pairs({ n, keys: joinedKeys, texts }: JoinedRow): Record<string, string> | undefined {
    const keys = this.#keysOf(joinedKeys, n);
    const values = texts.split(MARK);
    if (keys === undefined || values.length !== n) return undefined;
    const pairs: Record<string, string> = {};
    for (let index = 0; index < n; index++) pairs[keys[index]!] = values[index]!;
    return pairs;
  }

  metrics({ n, keys: joinedKeys, texts }: JoinedRow): LatestMetric[] | undefined {
    const keys = this.#keysOf(joinedKeys, n);
    return keys === undefined ? undefined : metricsOf([keys, ...columnsOf(texts)]);
  }

  #keysOf(joinedKeys: string, n: number): string[] | undefined {
    // Different splits can give the same text.
    const name = `${n} ${joinedKeys}`;
    if (this.#keys.has(name)) return this.#keys.get(name);
    const split = joinedKeys.split(MARK);
    // An assignment of `__proto__` would not create a property.
    const keys = split.length === n && !split.includes('__proto__') ? split : undefined;
    this.#keys.set(name, keys);
    return keys;
  }
}

type NumberColumns = [values: LatestMetric['value'][], timestamps: number[], steps: number[]];

function columnsOf(texts: string): NumberColumns {
  // NaN and the infinities are not JSON.
  if (!/[NI]/.test(texts)) return JSON.parse(texts) as NumberColumns;
  return JSON.parse(texts.replaceAll(/-?(?:NaN|Infinity)/g, '"$&"')) as NumberColumns;
}
