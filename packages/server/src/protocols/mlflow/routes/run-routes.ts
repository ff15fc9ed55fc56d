import {
  createRunOperation,
  deleteRunOperation,
  logRunInputsOperation,
  logRunOperation,
  logRunOutputsOperation,
  readRunOperation,
  removeRunTagOperation,
  restoreRunOperation,
  searchRunsOperation,
  updateRunOperation,
} from '@dais/api/tracking';
import { route, type Route } from '../route.ts';
import { list, nativeNumber, pageToken, runInfoMessage, runMessage } from '../wire/encode.ts';
import {
  experimentNumber,
  LIMITS,
  requireBatch,
  requireLength,
  requireMetric,
  requirePage,
  requireParam,
  requireTag,
  requireUniqueParams,
  runName,
} from '../wire/limits.ts';
import { atMost, double, int32, int64, nested, repeated, required, string } from '../wire/message.ts';
import {
  datasetInput,
  keyedPairs,
  modelOutput,
  pairField,
  run,
  runInfo,
  runStatus,
  viewType,
} from '../wire/messages.ts';
import { invalid, missing } from '../wire/mlflow-error.ts';
import { pythonText } from '../wire/python-text.ts';
import { inactive, noExperiment } from './experiment-routes.ts';
import { appendLoggedModel } from './legacy-model-log.ts';
import { isTagMissing, refusedParam, refusedParams, refusedRun } from './run-errors.ts';
import { searchInput } from './search-input.ts';

const byId = { run_id: required(string), run_uuid: string };
/** Where MLflow's clients keep the name of a run as a tag. */
const NAME_TAG = 'mlflow.runName';
/** The default experiment. */
const DEFAULT_EXPERIMENT = '0';

const batchMetric = {
  key: required(string),
  value: required(double),
  timestamp: required(int64),
  step: int64,
  dataset_name: string,
  dataset_digest: string,
  model_id: string,
};

interface SentMetric {
  readonly key: string;
  readonly value: number;
  readonly timestamp: number;
  readonly step?: number;
  readonly dataset_name?: string;
  readonly dataset_digest?: string;
  readonly model_id?: string;
}

function nativeMetric({ key, value, timestamp, step = 0, ...of }: SentMetric) {
  const { dataset_name: datasetName, dataset_digest: datasetDigest, model_id: modelId } = of;
  return {
    key,
    value: nativeNumber(value),
    timestamp,
    step,
    ...(datasetName !== undefined && datasetName !== '' && { datasetName }),
    ...(datasetDigest !== undefined && datasetDigest !== '' && { datasetDigest }),
    ...(modelId !== undefined && modelId !== '' && { modelId }),
  };
}

export const runRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/mlflow/runs/create',
    operation: createRunOperation,
    request: { experiment_id: string, start_time: int64, run_name: string, user_id: string, tags: pairField },
    response: { run: nested(run) },
    answer: async (values, call) => {
      const { experiment_id: given = '', start_time: startedAt = 0, run_name: name = '', user_id: user = '' } = values;
      const experimentId = experimentNumber(given === '' ? DEFAULT_EXPERIMENT : given);
      const tags = Object.fromEntries((values.tags ?? []).map(({ key = '', value = '' }) => [key, value]));
      for (const key of Object.keys(tags)) requireTag(key, '');
      const tagged = tags[NAME_TAG] ?? '';
      if (name !== '' && tagged !== '' && name !== tagged) {
        throw invalid(
          `Both 'run_name' argument and 'mlflow.runName' tag are specified, but with different values (run_name='${name}', mlflow.runName='${tagged}').`,
        );
      }
      requireLength('run_name', LIMITS.key, name);
      requireLength('user_id', 256, user);
      const made = await call(
        createRunOperation,
        { experimentId, startedAt, user, tags, ...(name !== '' && { name }) },
        { ...noExperiment(experimentId), ...inactive(experimentId) },
      );
      // A new run has none, and MLflow omits them.
      const { outputs: _none, ...begun } = runMessage(made);
      return { run: begun };
    },
  }),
  route({
    method: 'GET',
    path: '/mlflow/runs/get',
    operation: readRunOperation,
    request: byId,
    response: { run: nested(run) },
    answer: async ({ run_id: id }, call) => ({
      run: runMessage(await call(readRunOperation, { id: runName(id) }, refusedRun(id))),
    }),
  }),
  route({
    method: 'POST',
    path: '/mlflow/runs/update',
    operation: updateRunOperation,
    request: { ...byId, end_time: int64, status: runStatus, run_name: string },
    response: { run_info: nested(runInfo) },
    answer: async ({ run_id: id, end_time: endedAt, status, run_name: name }, call) => {
      requireLength('run_name', LIMITS.key, name);
      const info = await call(
        updateRunOperation,
        {
          id: runName(id),
          ...(status !== undefined && { status }),
          ...(endedAt !== undefined && { endedAt }),
          ...(name !== undefined && name !== '' && { name }),
        },
        refusedRun(id),
      );
      return { run_info: runInfoMessage(info) };
    },
  }),
  route({
    method: 'POST',
    path: '/mlflow/runs/delete',
    operation: deleteRunOperation,
    request: { run_id: required(string) },
    answer: async ({ run_id: id }, call) => await call(deleteRunOperation, { id: runName(id) }, refusedRun(id)),
  }),
  route({
    method: 'POST',
    path: '/mlflow/runs/restore',
    operation: restoreRunOperation,
    request: { run_id: required(string) },
    answer: async ({ run_id: id }, call) => await call(restoreRunOperation, { id: runName(id) }, refusedRun(id)),
  }),
  route({
    method: 'POST',
    path: '/mlflow/runs/log-metric',
    operation: logRunOperation,
    request: {
      ...byId,
      key: required(string),
      value: required(double),
      timestamp: required(int64),
      step: int64,
      model_id: string,
      dataset_name: string,
      dataset_digest: string,
    },
    answer: async ({ run_id: id, ...metric }, call) => {
      requireMetric(metric, '');
      return await call(logRunOperation, { id: runName(id), metrics: [nativeMetric(metric)] }, refusedRun(id));
    },
  }),
  route({
    method: 'POST',
    path: '/mlflow/runs/log-parameter',
    operation: logRunOperation,
    request: { ...byId, key: required(string), value: string },
    answer: async ({ run_id: id, key, value = '' }, call) => {
      requireParam(key, '');
      return await call(
        logRunOperation,
        { id: runName(id), params: [{ key, value }] },
        refusedParam(id, { key, value }),
      );
    },
  }),
  route({
    method: 'POST',
    path: '/mlflow/runs/set-tag',
    operation: logRunOperation,
    request: { ...byId, key: required(string), value: string },
    answer: async ({ run_id: id, key, value = '' }, call) => {
      requireTag(key, '');
      return await call(logRunOperation, { id: runName(id), tags: [{ key, value }] }, refusedRun(id));
    },
  }),
  route({
    method: 'POST',
    path: '/mlflow/runs/delete-tag',
    operation: removeRunTagOperation,
    request: { run_id: required(string), key: required(string) },
    answer: async ({ run_id: id, key }, call) => {
      const noTag = () => missing(`No tag with name: ${key} in run with id ${id}`);
      if (key.length > LIMITS.key) throw noTag();
      return await call(
        removeRunTagOperation,
        { id: runName(id), key },
        { ...refusedRun(id), not_found: (refused) => (isTagMissing(refused) ? noTag() : noRun(id)) },
      );
    },
  }),
  route({
    method: 'POST',
    path: '/mlflow/runs/log-batch',
    operation: logRunOperation,
    request: {
      run_id: required(string),
      metrics: repeated(nested(batchMetric)),
      params: keyedPairs,
      tags: keyedPairs,
    },
    answer: async ({ run_id: id, metrics = [], params = [], tags = [] }, call) => {
      runName(id);
      metrics.forEach((metric, index) => requireMetric(metric, `metrics[${index}]`));
      params.forEach(({ key }, index) => requireParam(key, `params[${index}]`));
      tags.forEach(({ key }, index) => requireTag(key, `tags[${index}]`));
      requireBatch('metrics', LIMITS.metricsPerBatch, metrics.length);
      requireBatch('params', LIMITS.paramsPerBatch, params.length);
      requireBatch('tags', LIMITS.tagsPerBatch, tags.length);
      requireBatch('metrics, params, and tags', LIMITS.itemsPerBatch, metrics.length + params.length + tags.length);
      requireUniqueParams(params);
      const logged = params.map(({ key, value = '' }) => ({ key, value }));
      return await call(
        logRunOperation,
        {
          id,
          metrics: metrics.map(nativeMetric),
          params: logged,
          tags: tags.map(({ key, value = '' }) => ({ key, value })),
        },
        refusedParams(id, logged),
      );
    },
  }),
  route({
    method: 'POST',
    path: '/mlflow/runs/log-model',
    operation: logRunOperation,
    request: { run_id: required(string), model_json: required(string) },
    answer: async ({ run_id: id, model_json: json }, call) => await appendLoggedModel(runName(id), json, call),
  }),
  route({
    method: 'POST',
    path: '/mlflow/runs/log-inputs',
    operation: logRunInputsOperation,
    request: {
      run_id: required(string),
      datasets: repeated(nested(datasetInput)),
      models: repeated(nested({ model_id: string })),
    },
    answer: async ({ run_id: id, datasets = [], models = [] }, call) => {
      requireBatch('datasets', LIMITS.datasetsPerCall, datasets.length);
      return await call(
        logRunInputsOperation,
        {
          id: runName(id),
          datasets: datasets.map(({ dataset = {}, tags = [] }) => {
            const { name = '', digest = '', source_type: sourceType = '', source = '', schema, profile } = dataset;
            if (name === '') throw invalid('Dataset name cannot be None');
            if (digest === '') throw invalid('Dataset digest cannot be None');
            requireLength('name', LIMITS.datasetName, name);
            requireLength('digest', LIMITS.datasetDigest, digest);
            requireLength('source', LIMITS.datasetSource, source);
            requireLength('schema', LIMITS.datasetSchema, schema);
            requireLength('profile', LIMITS.datasetProfile, profile);
            for (const { key, value } of tags) {
              requireLength('key', LIMITS.inputTagKey, key);
              requireLength('value', LIMITS.inputTagValue, value);
            }
            return {
              dataset: {
                name,
                digest,
                sourceType,
                source,
                ...(schema !== undefined && { schema }),
                ...(profile !== undefined && { profile }),
              },
              tags: Object.fromEntries(tags.map(({ key = '', value = '' }) => [key, value])),
            };
          }),
          models: models.map(({ model_id: model = '' }) => model),
        },
        refusedRun(id),
      );
    },
  }),
  route({
    method: 'POST',
    path: '/mlflow/runs/outputs',
    operation: logRunOutputsOperation,
    request: { run_id: required(string), models: required(repeated(nested(modelOutput))) },
    answer: async ({ run_id: id, models }, call) =>
      await call(
        logRunOutputsOperation,
        { id: runName(id), models: models.map(({ model_id: modelId = '', step = 0 }) => ({ modelId, step })) },
        refusedRun(id),
      ),
  }),
  route({
    method: 'POST',
    path: '/mlflow/runs/search',
    long: true,
    operation: searchRunsOperation,
    request: {
      experiment_ids: repeated(string),
      filter: string,
      max_results: atMost(int32, LIMITS.searchResults),
      order_by: repeated(string),
      run_view_type: viewType,
      page_token: string,
    },
    response: { runs: repeated(nested(run)), next_page_token: string },
    answer: async (values, call) => {
      requirePage(values.max_results, LIMITS.searchResults);
      requireDistinct(values.order_by ?? []);
      const experimentIds = (values.experiment_ids ?? []).map(experimentNumber);
      if (experimentIds.length === 0) return {};
      const { items, nextCursor } = await call(searchRunsOperation, {
        experimentIds,
        ...searchInput(values, values.run_view_type),
      });
      return { runs: list(items.map(runMessage)), ...pageToken(nextCursor) };
    },
  }),
];

function noRun(id: string) {
  return missing(`Run with id=${id} not found`);
}

/** MLflow fails with 500 here, which clients repeat for minutes; the text is the same. */
function requireDistinct(orderBy: readonly string[]): void {
  if (new Set(orderBy).size === orderBy.length) return;
  throw invalid(`\`order_by\` contains duplicate fields: [${orderBy.map(pythonText).join(', ')}]`);
}
