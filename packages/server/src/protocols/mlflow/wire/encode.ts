/** Records of tracking as messages of the wire: snake_case, what is not set left out, lists without items too. */
import type {
  DatasetInput,
  Experiment,
  LatestMetric,
  LoggedModel,
  MetricPoint,
  Run,
  RunInfo,
} from '@dais/api/tracking';

/** The largest double: clients cannot read an infinity in JSON, and MLflow's databases keep it as this. */
const LARGEST = 1.7976931348623157e308;

function wireNumber(value: MetricPoint['value']): number | string {
  if (value === 'Infinity') return LARGEST;
  return value === '-Infinity' ? -LARGEST : value;
}

/** A number as operations take it. */
export function nativeNumber(value: number): MetricPoint['value'] {
  if (Number.isFinite(value)) return value;
  return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
}

interface Pair {
  readonly key: string;
  readonly value: string;
}

/** Undefined for an empty one, so that it is left out. */
export function pairs(map: Readonly<Record<string, string>>): readonly Pair[] | undefined {
  const list = Object.keys(map).map((key): Pair => ({ key, value: map[key] ?? '' }));
  return list.length === 0 ? undefined : list;
}

export function list<T>(items: readonly T[]): readonly T[] | undefined {
  return items.length === 0 ? undefined : items;
}

export function experimentMessage(experiment: Experiment) {
  return {
    experiment_id: experiment.id,
    name: experiment.name,
    artifact_location: experiment.artifactUri,
    lifecycle_stage: experiment.lifecycle,
    last_update_time: experiment.updatedAt,
    creation_time: experiment.createdAt,
    tags: pairs(experiment.tags),
  };
}

export function runInfoMessage(run: RunInfo) {
  return {
    run_uuid: run.id,
    experiment_id: run.experimentId,
    run_name: run.name,
    user_id: run.user,
    status: run.status,
    start_time: run.startedAt,
    end_time: run.endedAt,
    artifact_uri: run.artifactUri,
    lifecycle_stage: run.lifecycle,
    run_id: run.id,
  };
}

export function runMessage(run: Run) {
  return {
    info: runInfoMessage(run),
    data: { metrics: list(run.metrics.map(metricMessage)), params: pairs(run.params), tags: pairs(run.tags) },
    inputs: {
      dataset_inputs: list(run.datasets.map(datasetInputMessage)),
      model_inputs: list(run.modelInputs.map((id) => ({ model_id: id }))),
    },
    outputs: { model_outputs: list(run.modelOutputs.map(({ modelId, step }) => ({ model_id: modelId, step }))) },
  };
}

function metricMessage({ key, value, timestamp, step, datasetName, datasetDigest, modelId }: LatestMetric) {
  const message = { key, value: wireNumber(value), timestamp, step };
  // As most are. What is left out costs JSON as much as what is written.
  if (modelId === undefined && datasetName === undefined && datasetDigest === undefined) return message;
  return { ...message, dataset_name: datasetName, dataset_digest: datasetDigest, model_id: modelId };
}

export function pointMessage(key: string, { value, timestamp, step }: MetricPoint) {
  return { key, value: wireNumber(value), timestamp, step };
}

function datasetInputMessage({ dataset, tags }: DatasetInput) {
  return {
    tags: pairs(tags),
    dataset: {
      name: dataset.name,
      digest: dataset.digest,
      source_type: dataset.sourceType,
      source: dataset.source,
      schema: dataset.schema,
      profile: dataset.profile,
    },
  };
}

export function loggedModelMessage(model: LoggedModel) {
  return {
    info: {
      model_id: model.id,
      experiment_id: model.experimentId,
      name: model.name,
      creation_timestamp_ms: model.createdAt,
      last_updated_timestamp_ms: model.updatedAt,
      artifact_uri: model.artifactUri,
      status: `LOGGED_MODEL_${model.status}`,
      model_type: model.type ?? '',
      source_run_id: model.sourceRunId ?? '',
      status_message: model.statusMessage,
      tags: pairs(model.tags),
    },
    data: {
      params: pairs(model.params),
      metrics: list(model.metrics.map((metric) => ({ ...metricMessage(metric), run_id: metric.runId }))),
    },
  };
}

export function pageToken(nextCursor: string | undefined): { readonly next_page_token?: string } {
  return nextCursor === undefined ? {} : { next_page_token: nextCursor };
}
