/** Evaluation datasets and scorers as rows of MLflow's tables. */
import { createHash } from 'node:crypto';
import type { EvaluationDataset, EvaluationRecord, Scorer } from '@dais/api/tracking';
import type { MlflowStore } from './mlflow-store.ts';

const SCHEMA_VERSION = '1.0';

export function putDataset(store: MlflowStore, dataset: EvaluationDataset): void {
  const { id, name, schema, records, digest, createdAt, updatedAt, tags, experimentIds } = dataset;
  store.put('evaluation_datasets', {
    dataset_id: id,
    workspace: 'default',
    name,
    schema: schema === undefined ? null : JSON.stringify({ ...schema, version: SCHEMA_VERSION }),
    profile: records === 0 ? null : JSON.stringify({ num_records: records }),
    digest,
    created_time: createdAt,
    last_update_time: updatedAt,
    created_by: dataset.createdBy ?? null,
    last_updated_by: dataset.updatedBy ?? null,
  });
  for (const [key, value] of Object.entries(tags)) store.put('evaluation_dataset_tags', { dataset_id: id, key, value });
  for (const experiment of experimentIds) {
    const hash = createHash('sha256')
      .update(JSON.stringify([id, experiment]))
      .digest('hex');
    store.put('entity_associations', {
      association_id: `a-${hash.slice(0, 32)}`,
      source_type: 'evaluation_dataset',
      source_id: id,
      destination_type: 'experiment',
      destination_id: experiment,
      created_time: createdAt,
    });
  }
}

export function putRecord(store: MlflowStore, datasetId: string, record: EvaluationRecord): void {
  const { source } = record;
  const sourceId = source?.data[source.type === 'TRACE' ? 'trace_id' : 'source_id'];
  const json = (value: unknown) => JSON.stringify(value ?? null);
  store.put('evaluation_dataset_records', {
    dataset_record_id: record.id,
    dataset_id: datasetId,
    inputs: json(record.inputs),
    outputs: json(record.outputs === null || record.outputs === undefined ? null : { mlflow_wrapped: record.outputs }),
    expectations: json(record.expectations),
    tags: json(record.tags),
    source: json(source && { source_type: source.type, source_data: source.data }),
    source_id: typeof sourceId === 'string' ? sourceId : null,
    source_type: source?.type ?? null,
    created_time: record.createdAt,
    last_update_time: record.updatedAt,
    created_by: record.createdBy ?? null,
    last_updated_by: record.updatedBy ?? null,
    input_hash: createHash('sha256').update(pythonJson(record.inputs)).digest('hex'),
  });
}

/** The format of `json.dumps(value, sort_keys=True)`, by which the server finds an existing record. */
function pythonJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return `{${members.map(([key, one]) => `${pythonJson(key)}: ${pythonJson(one)}`).join(', ')}}`;
  }
  return JSON.stringify(value ?? null).replaceAll(
    /[\u007f-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

export function putScorer(store: MlflowStore, scorer: Scorer): void {
  store.put('scorers', {
    experiment_id: Number(scorer.experimentId),
    scorer_name: scorer.name,
    scorer_id: scorer.id,
  });
  store.put('scorer_versions', {
    scorer_id: scorer.id,
    scorer_version: scorer.version,
    serialized_scorer: scorer.definition,
    creation_time: scorer.createdAt,
  });
}
