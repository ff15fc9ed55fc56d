import { DaisError } from '@dais/api';
import { MOST_IMPORTED_POINTS, type DatasetInput, type MetricPoint, type RunStatus } from '@dais/api/tracking';
import type { Transaction } from '#kernel/transaction.ts';
import { artifactsOf, below, findExperiments, noExperiment, publicId } from '../experiments/experiment-lookup.ts';
import { appendMetrics } from '../metrics/append.ts';
import { compactEndedRun } from '../metrics/compaction.ts';
import type { LoggedPoint, MetricRun } from '../metrics/logged-points.ts';
import { setPairs } from '../pairs.ts';
import type { TrackingDependencies } from '../dependencies.ts';
import { noteInputs, noteOrigin, noteOutputs } from '../runs/run-lineage.ts';
import { linkDatasets, linkModels, linkOutputs } from '../runs/run-links.ts';
import { noRun } from '../runs/run-lookup.ts';
import { emitImported } from '../tracking-events.ts';
import { noteImported } from './imported-records.ts';

export interface ImportedRun {
  readonly source: string;
  readonly experimentId: string;
  readonly id: string;
  readonly name: string;
  readonly user: string;
  readonly status: RunStatus;
  readonly startedAt: number;
  readonly endedAt?: number;
  readonly deleted: boolean;
  readonly params: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly datasets: readonly DatasetInput[];
  readonly modelInputs: readonly string[];
  readonly modelOutputs: readonly { readonly modelId: string; readonly step: number }[];
}

/**
 * Imports a run and replaces its parameters by those of the source. The time for restoring a deleted run starts with the
 * import. @throws DaisError `not_found`.
 */
export async function importRun(tx: Transaction, input: ImportedRun, dependencies: TrackingDependencies) {
  const { options, clock } = dependencies;
  const [experiment] = await findExperiments(tx, [input.experimentId]);
  if (experiment === undefined) throw noExperiment(input.experimentId);
  const { source, id } = input;
  const [row] = await tx.sql.query<{ num: bigint }>(
    `insert into tracking.run as r (project_id, id, experiment, name, user_name, status, started_at, ended_at, deleted_at,
       deleted_with_experiment)
     values ($1, $2, $3, $4, $5, $6, $7, $8, case when $9 then $10::bigint end, $9 and $11)
     on conflict (project_id, id) do update set name = excluded.name, user_name = excluded.user_name,
       status = excluded.status, started_at = excluded.started_at, ended_at = excluded.ended_at,
       deleted_at = case when $9 then coalesce(r.deleted_at, excluded.deleted_at) end
     where r.experiment = excluded.experiment
     returning num`,
    [
      tx.projectId,
      id,
      experiment.id,
      input.name,
      input.user,
      input.status,
      input.startedAt,
      input.endedAt ?? null,
      input.deleted,
      clock.now(),
      experiment.deleted_at !== null,
    ],
    'import_run',
  );
  if (row === undefined) {
    throw new DaisError('already_exists', `Run "${id}" already exists in another experiment of this project.`);
  }
  const run = { num: row.num, projectId: tx.projectId, experiment: experiment.id };
  setPairs(tx, 'param', row.num, new Map(Object.entries(input.params)));
  setPairs(tx, 'tag', row.num, new Map(Object.entries(input.tags)));
  await linkDatasets(tx, run, input.datasets, options.contextTag);
  await linkModels(tx, run, input.modelInputs);
  await linkOutputs(tx, run, input.modelOutputs);
  noteOrigin(tx, id, new Map(Object.entries(input.tags)), dependencies);
  await noteInputs(tx, { id, datasets: input.datasets, models: input.modelInputs }, clock.now());
  noteOutputs(tx, id, input.modelOutputs, clock.now());
  await noteImported(tx, { source, kind: 'run', sourceId: id, id, state: '' });
  const number = publicId(experiment);
  emitImported(tx, 'runImported', { id, experiment: number, source });
  if (input.status !== 'RUNNING' && input.status !== 'SCHEDULED') await compactEndedRun(tx, run);
  return { id, artifactUri: below(artifactsOf(experiment, options), `${id}/artifacts`) };
}

export interface ImportedMetrics {
  readonly runId: string;
  readonly series: readonly ImportedSeries[];
}

interface ImportedSeries {
  readonly key: string;
  readonly steps: readonly number[];
  readonly timestamps: readonly number[];
  readonly values: readonly MetricPoint['value'][];
}

/** Imports points. Existing points are not duplicated. @throws DaisError `not_found`, `invalid_request`, `too_large`. */
export async function importMetrics(tx: Transaction, { runId, series }: ImportedMetrics) {
  const total = series.reduce((points, { steps }) => points + steps.length, 0);
  if (total > MOST_IMPORTED_POINTS) {
    throw new DaisError(
      'too_large',
      `The request has ${total} points, and the limit is ${MOST_IMPORTED_POINTS}. Split it into several requests.`,
    );
  }
  const points = series.flatMap(pointsOf);
  const run = await anyRun(tx, runId);
  await appendMetrics(tx, run, points);
  await compactEndedRun(tx, run);
  const rows = await tx.sql.query<{ key: string; n: bigint }>(
    'select key, n from tracking.metric where run = $1 and key = any($2)',
    [run.num, series.map(({ key }) => key)],
    'imported_points',
  );
  return { series: rows.map(({ key, n }) => ({ key, points: Number(n) })) };
}

function pointsOf({ key, steps, timestamps, values }: ImportedSeries, index: number): LoggedPoint[] {
  if (timestamps.length !== steps.length || values.length !== steps.length) {
    throw new DaisError('invalid_request', `The columns of metric "${key}" have different lengths.`, {
      issues: [{ path: `series[${index}]`, message: 'has columns of different lengths', expected: 'equal lengths' }],
    });
  }
  return steps.map((step, at) => ({ key, step, timestamp: timestamps[at]!, value: values[at]! }));
}

/** Finds a run, also a deleted one, which may have been deleted at its source before its metrics were imported. */
async function anyRun({ sql, projectId }: Transaction, id: string): Promise<MetricRun> {
  // The lock prevents its permanent removal during the transaction.
  const [row] = await sql.query<{ num: bigint; experiment: bigint }>(
    'select num, experiment from tracking.run where project_id = $1 and id = $2 for share',
    [projectId, id],
    'run_for_import',
  );
  if (row === undefined) throw noRun(id);
  return { num: row.num, projectId, experiment: row.experiment };
}
