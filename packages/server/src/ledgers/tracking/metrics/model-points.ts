import type { Sql } from '#engines/database/contract.ts';
import { numberArray } from './arrays.ts';
import type { LoggedPoint, MetricRun } from './logged-points.ts';
import { numberOf } from './metric-value.ts';

/**
 * Writes measurements of logged models: the last value for each model, metric, time and step. A missing model is ignored,
 * because the point is also stored in the run.
 */
export async function appendModelPoints(sql: Sql, run: MetricRun, points: readonly LoggedPoint[]): Promise<void> {
  const last = new Map(
    points.map((point) => [JSON.stringify([point.modelId, point.key, point.timestamp, point.step]), point]),
  );
  const rows = [...last.values()];
  await sql.query(
    `insert into tracking.logged_model_metric (model, key, ts, step, run, project_id, experiment, value, dataset_name,
       dataset_digest)
     select m.num, p.key, p.ts, p.step, $2, $1, $3, p.value, p.dataset_name, p.dataset_digest
     from unnest($4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::float8[], $9::text[], $10::text[])
       as p(model, key, ts, step, value, dataset_name, dataset_digest)
     join tracking.logged_model m on m.project_id = $1 and m.id = p.model
     order by m.num, p.key, p.ts, p.step
     on conflict (model, key, ts, step, run) do update set value = excluded.value,
       dataset_name = excluded.dataset_name, dataset_digest = excluded.dataset_digest`,
    [
      run.projectId,
      run.num,
      run.experiment,
      rows.map(({ modelId }) => modelId),
      rows.map(({ key }) => key),
      numberArray(rows.map(({ timestamp }) => timestamp)),
      numberArray(rows.map(({ step }) => step)),
      numberArray(rows.map(({ value }) => numberOf(value))),
      rows.map(({ datasetName }) => datasetName ?? null),
      rows.map(({ datasetDigest }) => datasetDigest ?? null),
    ],
    'metric_models',
  );
}
