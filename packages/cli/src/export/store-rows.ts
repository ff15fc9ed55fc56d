/** Converts records to rows of MLflow's tables. */
import { createHash } from 'node:crypto';
import type { ModelVersion, RegisteredModel } from '@dais/api/registry';
import type { DatasetInput, Experiment, LoggedModel, MetricPoint, Run } from '@dais/api/tracking';
import type { MlflowStore } from './mlflow-store.ts';

const MODEL_STATUS = { PENDING: 1, READY: 2, UPLOAD_FAILED: 3 } as const;

/** A stable id of an object, so that a second export overwrites the first. */
const idOf = (...parts: readonly string[]) =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 32);

export function putExperiment(store: MlflowStore, experiment: Experiment): void {
  const { id, name, artifactUri, lifecycle, createdAt, updatedAt, tags } = experiment;
  store.put('experiments', {
    experiment_id: Number(id),
    name,
    artifact_location: artifactUri,
    lifecycle_stage: lifecycle,
    creation_time: createdAt,
    last_update_time: updatedAt,
  });
  for (const [key, value] of Object.entries(tags)) {
    store.put('experiment_tags', { experiment_id: Number(id), key, value });
  }
}

export function putRun(store: MlflowStore, run: Run): void {
  store.put('runs', {
    run_uuid: run.id,
    name: run.name,
    source_type: 'UNKNOWN',
    source_name: '',
    entry_point_name: '',
    source_version: '',
    user_id: run.user,
    status: run.status,
    start_time: run.startedAt,
    end_time: run.endedAt ?? null,
    lifecycle_stage: run.lifecycle,
    artifact_uri: run.artifactUri,
    experiment_id: Number(run.experimentId),
  });
  for (const [key, value] of Object.entries(run.params)) store.put('params', { run_uuid: run.id, key, value });
  for (const [key, value] of Object.entries(run.tags)) store.put('tags', { run_uuid: run.id, key, value });
  for (const metric of run.metrics) putPoint(store, 'latest_metrics', run.id, metric.key, metric);
  for (const input of run.datasets) putDataset(store, run, input);
  for (const model of run.modelInputs) putLink(store, run.id, model, 'INPUT', 0);
  for (const { modelId, step } of run.modelOutputs) putLink(store, run.id, modelId, 'OUTPUT', step);
}

export function putPoint(
  store: MlflowStore,
  table: 'metrics' | 'latest_metrics',
  run: string,
  key: string,
  { value, timestamp, step }: MetricPoint,
): void {
  const number = Number(value);
  const isNan = Number.isNaN(number);
  store.put(table, { run_uuid: run, key, value: isNan ? 0 : number, is_nan: isNan ? 1 : 0, timestamp, step });
}

function putDataset(store: MlflowStore, run: Run, { dataset, tags }: DatasetInput): void {
  const uuid = idOf('dataset', run.experimentId, dataset.name, dataset.digest);
  store.put('datasets', {
    dataset_uuid: uuid,
    experiment_id: Number(run.experimentId),
    name: dataset.name,
    digest: dataset.digest,
    dataset_source_type: dataset.sourceType,
    dataset_source: dataset.source,
    dataset_schema: dataset.schema ?? null,
    dataset_profile: dataset.profile ?? null,
  });
  const input = idOf('input', run.id, uuid);
  const [from, to] = [
    { source_type: 'DATASET', source_id: uuid },
    { destination_type: 'RUN', destination_id: run.id },
  ];
  store.put('inputs', { input_uuid: input, ...from, ...to, step: 0 });
  for (const [name, value] of Object.entries(tags)) store.put('input_tags', { input_uuid: input, name, value });
}

function putLink(store: MlflowStore, run: string, model: string, which: 'INPUT' | 'OUTPUT', step: number): void {
  store.put('inputs', {
    input_uuid: idOf(which, run, model),
    source_type: `RUN_${which}`,
    source_id: run,
    destination_type: `MODEL_${which}`,
    destination_id: model,
    step,
  });
}

export function putLoggedModel(store: MlflowStore, model: LoggedModel): void {
  const of = { model_id: model.id, experiment_id: Number(model.experimentId) };
  store.put('logged_models', {
    ...of,
    name: model.name,
    artifact_location: model.artifactUri,
    creation_timestamp_ms: model.createdAt,
    last_updated_timestamp_ms: model.updatedAt,
    status: MODEL_STATUS[model.status],
    lifecycle_stage: model.lifecycle,
    model_type: model.type ?? '',
    source_run_id: model.sourceRunId ?? null,
    status_message: model.statusMessage ?? null,
  });
  for (const [param_key, param_value] of Object.entries(model.params)) {
    store.put('logged_model_params', { ...of, param_key, param_value });
  }
  for (const [tag_key, tag_value] of Object.entries(model.tags)) {
    store.put('logged_model_tags', { ...of, tag_key, tag_value });
  }
  for (const metric of model.metrics) {
    const value = Number(metric.value);
    // MLflow cannot store NaN here.
    if (Number.isNaN(value)) continue;
    store.put('logged_model_metrics', {
      ...of,
      metric_name: metric.key,
      metric_timestamp_ms: metric.timestamp,
      metric_step: metric.step,
      metric_value: value,
      run_id: metric.runId,
      dataset_name: metric.datasetName ?? null,
      dataset_digest: metric.datasetDigest ?? null,
    });
  }
}

export function putModel(store: MlflowStore, model: RegisteredModel): void {
  const { name, createdAt, updatedAt, description, tags, aliases } = model;
  store.put('registered_models', { name, creation_time: createdAt, last_updated_time: updatedAt, description });
  for (const [key, value] of Object.entries(tags)) store.put('registered_model_tags', { name, key, value });
  for (const [alias, version] of Object.entries(aliases))
    store.put('registered_model_aliases', { name, alias, version });
}

export function putVersion(store: MlflowStore, version: ModelVersion): void {
  const of = { name: version.model, version: version.version };
  store.put('model_versions', {
    ...of,
    creation_time: version.createdAt,
    last_updated_time: version.updatedAt,
    description: version.description,
    user_id: null,
    current_stage: version.stage,
    source: version.source,
    run_id: version.runId ?? null,
    run_link: version.runLink ?? '',
    status: 'READY',
    // Clients also look up logged models of the run there.
    storage_location: /^runs:/i.test(version.source) ? version.source : version.artifactUri,
  });
  for (const [key, value] of Object.entries(version.tags)) store.put('model_version_tags', { ...of, key, value });
}
