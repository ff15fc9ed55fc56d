import {
  addLoggedModelParamsOperation,
  createLoggedModelOperation,
  deleteLoggedModelOperation,
  finalizeLoggedModelOperation,
  readLoggedModelOperation,
  searchLoggedModelsOperation,
  tagLoggedModelOperation,
  untagLoggedModelOperation,
} from '@dais/api/tracking';
import { route, type Refusals, type Route } from '../route.ts';
import { list, loggedModelMessage, pageToken } from '../wire/encode.ts';
import { experimentNumber, LIMITS, requireLength, requirePage } from '../wire/limits.ts';
import { bool, int32, nested, repeated, required, string } from '../wire/message.ts';
import { loggedModel, loggedModelStatus, pairField } from '../wire/messages.ts';
import { invalid, missing } from '../wire/mlflow-error.ts';
import { pythonText } from '../wire/python-text.ts';
import { inactive, noExperiment } from './experiment-routes.ts';
import { isTagMissing } from './run-errors.ts';

const byId = { model_id: required(string) };
const answered = { model: nested(loggedModel) };

export function noModel(id: string): Refusals {
  const gone = () => missing(`Logged model with ID '${id}' not found.`);
  return { not_found: gone };
}

/** @throws MlflowError for an id that no logged model can have. */
export function modelName(id: string): string {
  if (/^[A-Za-z0-9][\w-]{0,63}$/.test(id)) return id;
  throw missing(`Logged model with ID '${id.slice(0, 200)}' not found.`);
}

function requireModelName(name: string): void {
  if (name === '' || /[/:.%"']/.test(name)) {
    throw invalid(
      `Invalid model name (${pythonText(name)}) provided. Model name must be a non-empty string and cannot contain the following characters: ('/', ':', '.', '%', '"', "'")`,
    );
  }
  requireLength('name', 500, name);
}

type SentPairs = readonly { readonly key?: string; readonly value?: string }[];

/** Values beyond `longest` are truncated, like those of runs. */
function native(sent: SentPairs, longest: number) {
  return sent.map(({ key = '', value = '' }) => {
    if (key === '') throw invalid("Missing value for required parameter 'key'.");
    requireLength('key', 250, key);
    return { key, value: value.slice(0, longest) };
  });
}

const PARAM = 6000;
const TAG = 8000;

export const loggedModelRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/mlflow/logged-models',
    operation: createLoggedModelOperation,
    request: {
      experiment_id: required(string),
      name: string,
      model_type: string,
      source_run_id: string,
      params: pairField,
      tags: pairField,
    },
    response: answered,
    answer: async (values, call) => {
      const experimentId = experimentNumber(values.experiment_id);
      const { name = '', model_type: type = '', source_run_id: sourceRunId = '', params = [], tags = [] } = values;
      if (name !== '') requireModelName(name);
      const model = await call(
        createLoggedModelOperation,
        {
          experimentId,
          ...(name !== '' && { name }),
          ...(type !== '' && { type }),
          ...(sourceRunId !== '' && { sourceRunId }),
          params: native(params, PARAM),
          tags: native(tags, TAG),
        },
        { ...noExperiment(experimentId), ...inactive(experimentId) },
      );
      return { model: loggedModelMessage(model) };
    },
  }),
  route({
    method: 'POST',
    path: '/mlflow/logged-models/search',
    long: true,
    operation: searchLoggedModelsOperation,
    request: {
      experiment_ids: required(repeated(string)),
      filter: string,
      datasets: repeated(nested({ dataset_name: string, dataset_digest: string })),
      max_results: int32,
      order_by: repeated(nested({ field_name: string, ascending: bool, dataset_name: string, dataset_digest: string })),
      page_token: string,
    },
    response: { models: repeated(nested(loggedModel)), next_page_token: string },
    answer: async (values, call) => {
      const {
        filter = '',
        datasets = [],
        max_results: limit = 100,
        order_by: orders = [],
        page_token: cursor = '',
      } = values;
      requirePage(limit, LIMITS.searchResults);
      const { items, nextCursor } = await call(searchLoggedModelsOperation, {
        experimentIds: values.experiment_ids.map(experimentNumber),
        limit,
        ...(filter !== '' && { filter }),
        ...(cursor !== '' && { cursor }),
        ...(datasets.length > 0 && { datasets: datasets.map(nativeDataset) }),
        ...(orders.length > 0 && {
          orderBy: orders.map(({ field_name: field = '', ascending = true, ...dataset }) => ({
            field,
            ascending,
            ...nativeOrderDataset(dataset),
          })),
        }),
      });
      return { models: list(items.map(loggedModelMessage)), ...pageToken(nextCursor) };
    },
  }),
  route({
    method: 'GET',
    path: '/mlflow/logged-models/:model_id',
    operation: readLoggedModelOperation,
    request: { ...byId, allow_deleted: bool },
    response: answered,
    answer: async ({ model_id: id, allow_deleted: allowDeleted = false }, call) => ({
      model: loggedModelMessage(
        await call(readLoggedModelOperation, { id: modelName(id), ...(allowDeleted && { allowDeleted }) }, noModel(id)),
      ),
    }),
  }),
  route({
    method: 'PATCH',
    path: '/mlflow/logged-models/:model_id',
    operation: finalizeLoggedModelOperation,
    request: { ...byId, status: required(loggedModelStatus) },
    response: answered,
    answer: async ({ model_id: id, status }, call) => {
      const known = nativeStatus(status);
      return {
        model: loggedModelMessage(
          await call(finalizeLoggedModelOperation, { id: modelName(id), status: known }, noModel(id)),
        ),
      };
    },
  }),
  route({
    method: 'DELETE',
    path: '/mlflow/logged-models/:model_id',
    operation: deleteLoggedModelOperation,
    request: byId,
    answer: async ({ model_id: id }, call) =>
      await call(deleteLoggedModelOperation, { id: modelName(id) }, noModel(id)),
  }),
  route({
    method: 'PATCH',
    path: '/mlflow/logged-models/:model_id/tags',
    operation: tagLoggedModelOperation,
    request: { ...byId, tags: pairField },
    // The model is not in it, though MLflow's protocol file has a field for it.
    answer: async ({ model_id: id, tags = [] }, call) => {
      await call(tagLoggedModelOperation, { id: modelName(id), tags: native(tags, TAG) }, noModel(id));
      return {};
    },
  }),
  route({
    method: 'DELETE',
    path: '/mlflow/logged-models/:model_id/tags/:tag_key',
    operation: untagLoggedModelOperation,
    request: { ...byId, tag_key: required(string) },
    answer: async ({ model_id: id, tag_key: key }, call) => {
      const noTag = () => missing(`No tag with key '${key}' found for model with ID '${id}'.`);
      return await call(
        untagLoggedModelOperation,
        { id: modelName(id), key },
        {
          not_found: (refused) =>
            isTagMissing(refused) ? noTag() : missing(`Logged model with ID '${id}' not found.`),
        },
      );
    },
  }),
  route({
    method: 'POST',
    path: '/mlflow/logged-models/:model_id/params',
    operation: addLoggedModelParamsOperation,
    request: { ...byId, params: pairField },
    answer: async ({ model_id: id, params = [] }, call) =>
      await call(addLoggedModelParamsOperation, { id: modelName(id), params: native(params, PARAM) }, noModel(id)),
  }),
];

interface SentDataset {
  readonly dataset_name?: string;
  readonly dataset_digest?: string;
}

function nativeDataset({ dataset_name: datasetName = '', dataset_digest: datasetDigest = '' }: SentDataset) {
  if (datasetName === '') throw invalid('`dataset_name` in the `datasets` clause must be specified.');
  return { datasetName, ...(datasetDigest !== '' && { datasetDigest }) };
}

function nativeOrderDataset({ dataset_name: datasetName = '', dataset_digest: datasetDigest = '' }: SentDataset) {
  return {
    ...(datasetName !== '' && { datasetName }),
    ...(datasetDigest !== '' && { datasetDigest }),
  };
}

function nativeStatus(status: string): 'PENDING' | 'READY' | 'UPLOAD_FAILED' {
  switch (status) {
    case 'LOGGED_MODEL_PENDING':
      return 'PENDING';
    case 'LOGGED_MODEL_READY':
      return 'READY';
    case 'LOGGED_MODEL_UPLOAD_FAILED':
      return 'UPLOAD_FAILED';
    default:
      throw invalid(`Invalid model status: ${status}. It must be LOGGED_MODEL_READY or LOGGED_MODEL_UPLOAD_FAILED.`);
  }
}
