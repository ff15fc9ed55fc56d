import { DaisError } from '@dais/api';
import type { LoggedModelStatus, MetricPoint } from '@dais/api/tracking';
import type { Transaction } from '#kernel/transaction.ts';
import { artifactsOf, below, findExperiments, noExperiment, publicId } from '../experiments/experiment-lookup.ts';
import { appendModelPoints } from '../metrics/model-points.ts';
import { setPairs } from '../pairs.ts';
import type { TrackingDependencies } from '../dependencies.ts';
import { noteOutputs } from '../runs/run-lineage.ts';
import { emitImported } from '../tracking-events.ts';
import { noteImported } from './imported-records.ts';

export interface ImportedLoggedModel {
  readonly source: string;
  readonly experimentId: string;
  readonly id: string;
  readonly name: string;
  readonly type?: string;
  readonly sourceRunId?: string;
  readonly status: LoggedModelStatus;
  readonly statusMessage?: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly deleted: boolean;
  readonly params: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly metrics: readonly ModelMetric[];
}

interface ModelMetric extends MetricPoint {
  readonly runId: string;
  readonly key: string;
  readonly datasetName?: string;
  readonly datasetDigest?: string;
}

/** @throws DaisError `not_found`, `already_exists`. */
export async function importLoggedModel(
  tx: Transaction,
  input: ImportedLoggedModel,
  dependencies: TrackingDependencies,
) {
  const [experiment] = await findExperiments(tx, [input.experimentId]);
  if (experiment === undefined) throw noExperiment(input.experimentId);
  const { source, id } = input;
  const [row] = await tx.sql.query<{ num: bigint }>(
    `insert into tracking.logged_model as m (project_id, id, experiment, name, type, source_run, status, status_message,
       created_at, updated_at, deleted_at, deleted_with_experiment)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, case when $11 then $12::bigint end, $11 and $13)
     on conflict (project_id, id) do update set name = excluded.name, type = excluded.type,
       source_run = excluded.source_run, status = excluded.status, status_message = excluded.status_message,
       created_at = excluded.created_at, updated_at = excluded.updated_at,
       deleted_at = case when $11 then coalesce(m.deleted_at, excluded.deleted_at) end
     where m.experiment = excluded.experiment
     returning num`,
    [
      tx.projectId,
      id,
      experiment.id,
      input.name,
      input.type ?? null,
      input.sourceRunId ?? null,
      input.status,
      input.statusMessage ?? null,
      input.createdAt,
      input.updatedAt,
      input.deleted,
      dependencies.clock.now(),
      experiment.deleted_at !== null,
    ],
    'import_logged_model',
  );
  if (row === undefined) {
    throw new DaisError('already_exists', `Logged model "${id}" already exists in another experiment.`);
  }
  setPairs(tx, 'logged_model_param', row.num, new Map(Object.entries(input.params)));
  setPairs(tx, 'logged_model_tag', row.num, new Map(Object.entries(input.tags)));
  await importModelMetrics(tx, experiment.id, id, input.metrics);
  if (input.sourceRunId !== undefined) noteOutputs(tx, input.sourceRunId, [{ modelId: id }], dependencies.clock.now());
  await noteImported(tx, { source, kind: 'logged-model', sourceId: id, id, state: '' });
  emitImported(tx, 'loggedModelImported', { id, experiment: publicId(experiment), source });
  return { id, artifactUri: below(artifactsOf(experiment, dependencies.options), `models/${id}/artifacts`) };
}

/** Imports metrics of a model. Those of missing runs are omitted, since each belongs to a run. */
async function importModelMetrics(
  { sql, projectId }: Transaction,
  experiment: bigint,
  modelId: string,
  metrics: readonly ModelMetric[],
): Promise<void> {
  if (metrics.length === 0) return;
  const rows = await sql.query<{ id: string; num: bigint }>(
    'select id, num from tracking.run where project_id = $1 and id = any($2) order by num',
    [projectId, [...new Set(metrics.map(({ runId }) => runId))]],
    'runs_of_imported_model',
  );
  for (const { id, num } of rows) {
    const points = metrics.filter(({ runId }) => runId === id).map((point) => ({ ...point, modelId }));
    await appendModelPoints(sql, { num, projectId, experiment }, points);
  }
}
