/** Converts rows of runs to records with all logged data, by arrays of ids instead of one large join. */
import type { DatasetInput, Run, RunInfo, RunStatus } from '@dais/api';
import type { Sql } from '#engines/database/contract.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { artifactsOf, below, publicId } from './experiment-lookup.ts';
import type { TrackingOptions } from './options.ts';
import {
  JoinedReader,
  metricsOf,
  PLAIN_PARTS,
  runParts,
  type DatasetTuple,
  type PartRow,
  type PlainRow,
} from './run-parts.ts';

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
  await addParts(
    sql,
    new Map([[row.num, run]]),
    await sql.query<PartRow>(runParts('= $1'), [row.num], 'run_parts_of_one'),
  );
  return run;
}

/** Loads many runs, in the order of `rows`. */
export async function hydrateRows(sql: Sql, rows: readonly RunRow[], options: TrackingOptions): Promise<Run[]> {
  if (rows.length === 0) return [];
  const runs = new Map(rows.map((row) => [row.num, bareRun(row, options)]));
  await addParts(sql, runs, await sql.query<PartRow>(runParts('= any($1)'), [[...runs.keys()]], 'run_parts'));
  return [...runs.values()];
}

async function addParts(sql: Sql, runs: ReadonlyMap<bigint, RunParts>, rows: readonly PartRow[]): Promise<void> {
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

/** Returns false if the row has to be read as JSON. */
function addPart(run: RunParts, row: PartRow, reader: JoinedReader): boolean {
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
