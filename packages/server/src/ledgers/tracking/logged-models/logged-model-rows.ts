/** Reads rows of logged models, and converts them to records. */
import { DaisError } from '@dais/api';
import type { LoggedModel, LoggedModelStatus } from '@dais/api/tracking';
import type { Transaction } from '#kernel/transaction.ts';
import { artifactsOf, below, publicId } from '../experiments/experiment-lookup.ts';
import type { TrackingOptions } from '../dependencies.ts';

export interface ModelRow {
  readonly num: bigint;
  readonly id: string;
  readonly name: string;
  readonly type: string | null;
  readonly source_run: string | null;
  readonly status: string;
  readonly status_message: string | null;
  readonly created_at: bigint;
  readonly updated_at: bigint;
  readonly deleted_at: bigint | null;
  readonly experiment: bigint;
  readonly is_default: boolean;
  readonly artifact_location: string | null;
}

const MODEL_COLUMNS =
  'm.num, m.id, m.name, m.type, m.source_run, m.status, m.status_message, m.created_at, m.updated_at, m.deleted_at, m.experiment, e.is_default, e.artifact_location';
const MODELS = `select ${MODEL_COLUMNS} from tracking.logged_model m join tracking.experiment e on e.id = m.experiment`;

type MetricTuple = [
  key: string,
  value: LoggedModel['metrics'][number]['value'],
  timestamp: number,
  step: number,
  run: string,
  datasetName: string | null,
  datasetDigest: string | null,
];
type PartRow =
  | { readonly part: 'params' | 'tags'; readonly model: bigint; readonly data: Record<string, string> }
  | { readonly part: 'metrics'; readonly model: bigint; readonly data: MetricTuple[] };

const PARTS = `
select 'params' as part, model, json_object_agg(key, value) as data from tracking.logged_model_param
where model = any($1) group by model
union all
select 'tags', model, json_object_agg(key, value) from tracking.logged_model_tag where model = any($1) group by model
union all
select 'metrics', m.model, json_agg(json_build_array(m.key, m.value, m.ts, m.step, r.id, m.dataset_name, m.dataset_digest)
  order by m.key, m.step, m.ts)
from tracking.logged_model_metric m join tracking.run r on r.num = m.run where m.model = any($1) group by m.model`;

async function findModel({ sql, projectId }: Transaction, id: string): Promise<ModelRow | undefined> {
  const [row] = await sql.query<ModelRow>(
    `${MODELS} where m.project_id = $1 and m.id = $2`,
    [projectId, id],
    'logged_model_by_id',
  );
  return row;
}

/** @throws DaisError `not_found`. */
export async function requireModel(tx: Transaction, id: string): Promise<ModelRow> {
  const row = await findModel(tx, id);
  if (row === undefined) throw new DaisError('not_found', `There is no logged model "${id}" in this project.`);
  return row;
}

/** Returns a logged model that is not deleted. @throws DaisError `not_found`, `invalid_state`. */
export async function activeModel(tx: Transaction, id: string): Promise<ModelRow> {
  const row = await requireModel(tx, id);
  if (row.deleted_at !== null)
    throw new DaisError('invalid_state', `Logged model "${id}" is deleted, so it cannot be changed.`);
  return row;
}

/** Returns models in the order of `nums`. Deleted rows are omitted. */
export async function hydrateModels(
  { sql, projectId }: Transaction,
  nums: readonly bigint[],
  options: TrackingOptions,
): Promise<LoggedModel[]> {
  if (nums.length === 0) return [];
  const rows = await sql.query<ModelRow>(
    `${MODELS} where m.num = any($1) and m.project_id = $2`,
    [nums, projectId],
    'logged_models_by_num',
  );
  const models = new Map(rows.map((row) => [row.num, bareModel(row, options)]));
  for (const part of await sql.query<PartRow>(PARTS, [nums], 'logged_model_parts')) {
    const model = models.get(part.model);
    if (model === undefined) continue;
    if (part.part === 'metrics') model.metrics = part.data.map((tuple) => metricOf(model.id, tuple));
    else model[part.part] = part.data;
  }
  return nums.flatMap((num) => models.get(num) ?? []);
}

function bareModel(row: ModelRow, options: TrackingOptions): LoggedModel {
  const home = { ...row, id: row.experiment };
  return {
    id: row.id,
    experimentId: publicId(home),
    name: row.name,
    ...(row.type !== null && { type: row.type }),
    ...(row.source_run !== null && { sourceRunId: row.source_run }),
    status: row.status as LoggedModelStatus,
    ...(row.status_message !== null && { statusMessage: row.status_message }),
    artifactUri: below(artifactsOf(home, options), `models/${row.id}/artifacts`),
    lifecycle: row.deleted_at === null ? 'active' : 'deleted',
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
    params: {},
    tags: {},
    metrics: [],
  };
}

function metricOf(modelId: string, [key, value, timestamp, step, runId, name, digest]: MetricTuple) {
  const dataset = { ...(name !== null && { datasetName: name }), ...(digest !== null && { datasetDigest: digest }) };
  return { key, value, timestamp, step, ...dataset, modelId, runId };
}
