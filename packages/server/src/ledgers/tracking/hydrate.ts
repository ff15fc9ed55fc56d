/** Rows to records: runs with all that they logged, by arrays of ids instead of one big join. */
import type { DatasetInput, LatestMetric, Run, RunInfo, RunStatus } from '@dais/api';
import type { Sql } from '#engines/database/contract.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { artifactsOf, below, shownNumber } from './experiment-lookup.ts';
import type { TrackingOptions } from './options.ts';

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

/** Of `tracking.run r` joined with `tracking.experiment e`. */
export const RUN_COLUMNS =
  'r.num, r.id, r.name, r.user_name, r.status, r.started_at, r.ended_at, r.deleted_at, r.experiment, e.is_default, e.artifact_location' as const;

/** Column by column: PostgreSQL writes four arrays in three quarters of the time of an array for each metric. */
type MetricColumns = [keys: string[], values: LatestMetric['value'][], timestamps: number[], steps: number[]];
type DatasetTuple = [
  name: string,
  digest: string,
  sourceType: string,
  source: string,
  schema: string | null,
  profile: string | null,
  tags: Record<string, string>,
];
type PartRow =
  | { readonly part: 'params' | 'tags'; readonly run: bigint; readonly data: Record<string, string> }
  | { readonly part: 'metrics'; readonly run: bigint; readonly data: MetricColumns }
  | { readonly part: 'datasets'; readonly run: bigint; readonly data: DatasetTuple[] }
  | { readonly part: 'inputs'; readonly run: bigint; readonly data: string[] }
  | { readonly part: 'outputs'; readonly run: bigint; readonly data: [model: string, step: number][] };

/**
 * PostgreSQL writes JSON, one row for each run and part: reading 40 rows a run one by one costs the driver five times as
 * much as parsing these.
 */
const parts = (of: '= $1' | '= any($1)') => `
select 'params' as part, run, json_object_agg(key, value) as data from tracking.param where run ${of} group by run
union all
select 'tags', run, json_object_agg(key, value) from tracking.tag where run ${of} group by run
union all
select 'metrics', run, json_build_array(array_agg(key), array_agg(value), array_agg(ts), array_agg(step)) from tracking.metric where run ${of} group by run
union all
select 'datasets', i.run, json_agg(json_build_array(d.name, d.digest, d.source_type, d.source, d.schema, d.profile, i.tags) order by d.id)
from tracking.dataset_input i join tracking.dataset d on d.id = i.dataset where i.run ${of} group by i.run
union all
select 'inputs', run, json_agg(model order by model) from tracking.model_input where run ${of} group by run
union all
select 'outputs', run, json_agg(json_build_array(model, step) order by step, model) from tracking.model_output where run ${of} group by run`;

/** Of one run. A statement of its own: PostgreSQL would plan the one for many anew each time, which takes longer than it. */
export async function hydrateRun({ sql }: Transaction, row: RunRow, options: TrackingOptions): Promise<Run> {
  const run = bareRun(row, options);
  for (const part of await sql.query<PartRow>(parts('= $1'), [row.num], 'run_parts_of_one')) addPart(run, part);
  return run;
}

/** Of many runs, in the order of `rows`. */
export async function hydrateRows(sql: Sql, rows: readonly RunRow[], options: TrackingOptions): Promise<Run[]> {
  if (rows.length === 0) return [];
  const runs = new Map(rows.map((row) => [row.num, bareRun(row, options)]));
  for (const part of await sql.query<PartRow>(parts('= any($1)'), [[...runs.keys()]], 'run_parts')) {
    const run = runs.get(part.run);
    if (run !== undefined) addPart(run, part);
  }
  return [...runs.values()];
}

export function runInfo(row: RunRow, options: TrackingOptions): RunInfo {
  return {
    id: row.id,
    name: row.name,
    experimentId: shownNumber({ id: row.experiment, is_default: row.is_default }),
    user: row.user_name,
    status: row.status as RunStatus,
    startedAt: Number(row.started_at),
    ...(row.ended_at !== null && { endedAt: Number(row.ended_at) }),
    artifactUri: runArtifacts(row, options),
    lifecycle: row.deleted_at === null ? 'active' : 'deleted',
  };
}

function runArtifacts(row: RunRow, options: TrackingOptions): string {
  return below(artifactsOf({ ...row, id: row.experiment }, options), `${row.id}/artifacts`);
}

interface RunParts {
  metrics: Run['metrics'];
  params: Run['params'];
  tags: Run['tags'];
  datasets: Run['datasets'];
  modelInputs: Run['modelInputs'];
  modelOutputs: Run['modelOutputs'];
}

function bareRun(row: RunRow, options: TrackingOptions): RunInfo & RunParts {
  const parts = { metrics: [], params: {}, tags: {}, datasets: [], modelInputs: [], modelOutputs: [] };
  return { ...runInfo(row, options), ...parts };
}

function addPart(run: RunParts, part: PartRow): void {
  switch (part.part) {
    case 'params':
      run.params = part.data;
      return;
    case 'tags':
      run.tags = part.data;
      return;
    case 'metrics':
      run.metrics = metricsOf(part.data);
      return;
    case 'datasets':
      run.datasets = part.data.map(datasetInput);
      return;
    case 'inputs':
      run.modelInputs = part.data;
      return;
    case 'outputs':
      run.modelOutputs = part.data.map(([modelId, step]) => ({ modelId, step }));
  }
}

function metricsOf([keys, values, timestamps, steps]: MetricColumns): LatestMetric[] {
  return keys.map((key, index) => ({
    key,
    value: values[index] ?? Number.NaN,
    timestamp: timestamps[index] ?? 0,
    step: steps[index] ?? 0,
  }));
}

function datasetInput([name, digest, sourceType, source, schema, profile, tags]: DatasetTuple): DatasetInput {
  const more = { ...(schema !== null && { schema }), ...(profile !== null && { profile }) };
  return { dataset: { name, digest, sourceType, source, ...more }, tags };
}
