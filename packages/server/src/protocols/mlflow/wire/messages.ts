/** Messages that several endpoints share. */
import { bool, double, enumeration, int64, nested, repeated, required, string } from './message.ts';

export const viewType = enumeration(['ACTIVE_ONLY', 'DELETED_ONLY', 'ALL']);
export const runStatus = enumeration(['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED']);

const pair = { key: string, value: string };
export const pairField = repeated(nested(pair));
/** Parameters and tags of a batch: the key must be there. */
export const keyedPairs = repeated(nested({ key: required(string), value: string }));

export const experiment = {
  experiment_id: string,
  name: string,
  artifact_location: string,
  lifecycle_stage: string,
  last_update_time: int64,
  creation_time: int64,
  tags: pairField,
};

export const metric = {
  key: string,
  value: double,
  timestamp: int64,
  step: int64,
  dataset_name: string,
  dataset_digest: string,
  model_id: string,
  run_id: string,
};

export const runInfo = {
  run_id: string,
  run_uuid: string,
  run_name: string,
  experiment_id: string,
  user_id: string,
  status: runStatus,
  start_time: int64,
  end_time: int64,
  artifact_uri: string,
  lifecycle_stage: string,
};

export const datasetInput = {
  tags: pairField,
  dataset: nested({
    name: string,
    digest: string,
    source_type: string,
    source: string,
    schema: string,
    profile: string,
  }),
};

export const modelOutput = { model_id: string, step: int64 };

export const run = {
  info: nested(runInfo),
  data: nested({ metrics: repeated(nested(metric)), params: pairField, tags: pairField }),
  inputs: nested({
    dataset_inputs: repeated(nested(datasetInput)),
    model_inputs: repeated(nested({ model_id: string })),
  }),
  outputs: nested({ model_outputs: repeated(nested(modelOutput)) }),
};

export const fileInfo = { path: string, is_dir: bool, file_size: int64 };

export const loggedModelStatus = enumeration(
  ['LOGGED_MODEL_STATUS_UNSPECIFIED', 'LOGGED_MODEL_PENDING', 'LOGGED_MODEL_READY', 'LOGGED_MODEL_UPLOAD_FAILED'],
  {
    LOGGED_MODEL_STATUS_UNSPECIFIED: 0,
    LOGGED_MODEL_PENDING: 1,
    LOGGED_MODEL_READY: 2,
    LOGGED_MODEL_UPLOAD_FAILED: 3,
  },
);

export const loggedModel = {
  info: nested({
    model_id: string,
    experiment_id: string,
    name: string,
    creation_timestamp_ms: int64,
    last_updated_timestamp_ms: int64,
    artifact_uri: string,
    status: loggedModelStatus,
    model_type: string,
    source_run_id: string,
    status_message: string,
    tags: pairField,
  }),
  data: nested({ params: pairField, metrics: repeated(nested(metric)) }),
};

/** Fields of a search. */
export const searchFields = { filter: string, order_by: repeated(string), page_token: string };
