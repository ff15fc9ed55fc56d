/** Evaluation datasets. Tags and records come and go as JSON in a text. */
import {
  createEvaluationDatasetOperation,
  deleteEvaluationDatasetOperation,
  linkEvaluationDatasetOperation,
  listEvaluationRecordsOperation,
  mergeEvaluationRecordsOperation,
  readEvaluationDatasetOperation,
  removeEvaluationRecordsOperation,
  searchEvaluationDatasetsOperation,
  tagEvaluationDatasetOperation,
  untagEvaluationDatasetOperation,
} from '@dais/api/tracking';
import { route, type Refusals, type Route } from '../route.ts';
import { list, pageToken } from '../wire/encode.ts';
import { dataset, datasetMessage, recordMessage, recordsOf, tagTexts, userOf } from '../wire/evaluation-messages.ts';
import { jsonMap } from '../wire/json-text.ts';
import { experimentNumber, LIMITS, requireLength } from '../wire/limits.ts';
import { int32, nested, repeated, required, string } from '../wire/message.ts';
import { invalid, missing } from '../wire/mlflow-error.ts';
import { ignoreMissing } from './ignore-missing.ts';

const byId = { dataset_id: required(string) };
const answered = { dataset: nested(dataset) };

type ScenarioResult = (id: string) => string;
const noDataset: ScenarioResult = (id) => `Evaluation dataset with id '${id}' not found`;

/** An id that no dataset can have is one that is not there. */
function datasetName(id: string, messageOf: ScenarioResult = noDataset): string {
  if (/^[A-Za-z0-9][\w-]{0,63}$/.test(id)) return id;
  throw missing(messageOf(id.slice(0, 200)));
}

function refused(id: string, messageOf: ScenarioResult = noDataset): Refusals {
  return { not_found: () => missing(messageOf(id)) };
}

/** The dataset or an experiment is missing; the message names which. */
function refusedLink(id: string): Refusals {
  return {
    not_found: ({ message }) => {
      const experiment = /There is no experiment (\d+)/.exec(message)?.[1];
      return missing(experiment === undefined ? `Dataset '${id}' not found` : `No Experiment with id=${experiment}`);
    },
  };
}

function requireTags(tags: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const [key, value] of Object.entries(tags)) {
    if (key === '') throw invalid("Missing value for required parameter 'key'.");
    requireLength('key', LIMITS.evaluationTagKey, key);
    requireLength('value', LIMITS.evaluationTagValue, value);
  }
  return tags;
}

function atMostPage(given: number | undefined): number {
  const requested = given === undefined || given === 0 ? LIMITS.evaluationRecords : given;
  if (requested < 0) {
    throw invalid(`Invalid value ${requested} for parameter 'max_results' supplied. It must be a positive integer`);
  }
  return Math.min(requested, LIMITS.evaluationRecords);
}

const search = (method: 'GET' | 'POST') =>
  route({
    method,
    version: 3,
    path: '/mlflow/datasets/search',
    operation: searchEvaluationDatasetsOperation,
    request: {
      experiment_ids: repeated(string),
      filter_string: string,
      max_results: int32,
      order_by: repeated(string),
      page_token: string,
    },
    response: { datasets: repeated(nested(dataset)), next_page_token: string },
    answer: async ({ experiment_ids: ids = [], filter_string: filter = '', order_by: orderBy = [], ...page }, call) => {
      const { max_results: limit, page_token: cursor = '' } = page;
      const { items, nextCursor } = await call(searchEvaluationDatasetsOperation, {
        limit: atMostPage(limit),
        ...(ids.length > 0 && { experimentIds: ids.map(experimentNumber) }),
        ...(filter !== '' && { filter }),
        ...(orderBy.length > 0 && { orderBy: [...orderBy] }),
        ...(cursor !== '' && { cursor }),
      });
      return { datasets: list(items.map(datasetMessage)), ...pageToken(nextCursor) };
    },
  });

const links = (verb: 'add' | 'remove') =>
  route({
    method: 'POST',
    version: 3,
    path: `/mlflow/datasets/:dataset_id/${verb}-experiments`,
    operation: linkEvaluationDatasetOperation,
    request: { ...byId, experiment_ids: repeated(string) },
    response: answered,
    answer: async ({ dataset_id: given, experiment_ids: ids = [] }, call) => {
      const id = datasetName(given, (name) => `Dataset '${name}' not found`);
      const input = { id, [verb]: ids.map(experimentNumber) };
      return { dataset: datasetMessage(await call(linkEvaluationDatasetOperation, input, refusedLink(id))) };
    },
  });

export const evaluationDatasetRoutes: readonly Route[] = [
  route({
    method: 'POST',
    version: 3,
    path: '/mlflow/datasets/create',
    operation: createEvaluationDatasetOperation,
    request: { name: required(string), experiment_ids: repeated(string), tags: string },
    response: answered,
    answer: async ({ name, experiment_ids: ids = [], tags: text = '' }, call) => {
      requireLength('name', LIMITS.evaluationDatasetName, name);
      const tags = requireTags(text === '' ? {} : tagTexts(jsonMap(text, 'tags')));
      const made = await call(
        createEvaluationDatasetOperation,
        { name, experimentIds: ids.map(experimentNumber), tags, ...userOf(tags) },
        refusedLink(''),
      );
      return { dataset: { ...datasetMessage(made), experiment_ids: list(made.experimentIds) } };
    },
  }),
  search('POST'),
  search('GET'),
  route({
    method: 'GET',
    version: 3,
    path: '/mlflow/datasets/:dataset_id',
    operation: readEvaluationDatasetOperation,
    request: byId,
    response: answered,
    answer: async ({ dataset_id: given }, call) => {
      const id = datasetName(given);
      return { dataset: datasetMessage(await call(readEvaluationDatasetOperation, { id }, refused(id))) };
    },
  }),
  route({
    method: 'DELETE',
    version: 3,
    path: '/mlflow/datasets/:dataset_id',
    operation: deleteEvaluationDatasetOperation,
    request: byId,
    answer: async ({ dataset_id: id }, call) => {
      await ignoreMissing(
        async () => await call(deleteEvaluationDatasetOperation, { id: datasetName(id) }, refused(id)),
      );
      return {};
    },
  }),
  route({
    method: 'PATCH',
    version: 3,
    path: '/mlflow/datasets/:dataset_id/tags',
    operation: tagEvaluationDatasetOperation,
    request: { ...byId, tags: required(string) },
    answer: async ({ dataset_id: given, tags: text }, call) => {
      const messageOf: ScenarioResult = (id) => `Could not find evaluation dataset with ID ${id}`;
      const id = datasetName(given, messageOf);
      const tags = requireTags(tagTexts(jsonMap(text, 'tags')));
      return await call(tagEvaluationDatasetOperation, { id, tags }, refused(id, messageOf));
    },
  }),
  route({
    method: 'DELETE',
    version: 3,
    path: '/mlflow/datasets/:dataset_id/tags/:key',
    operation: untagEvaluationDatasetOperation,
    request: { ...byId, key: required(string) },
    answer: async ({ dataset_id: id, key }, call) => {
      requireLength('key', LIMITS.evaluationTagKey, key);
      await ignoreMissing(
        async () => await call(untagEvaluationDatasetOperation, { id: datasetName(id), key }, refused(id)),
      );
      return {};
    },
  }),
  route({
    method: 'POST',
    version: 3,
    path: '/mlflow/datasets/:dataset_id/records',
    operation: mergeEvaluationRecordsOperation,
    request: { ...byId, records: required(string) },
    response: { inserted_count: int32, updated_count: int32 },
    answer: async ({ dataset_id: given, records: text }, call) => {
      const id = datasetName(given);
      const records = recordsOf(text);
      const { inserted, updated } = await call(mergeEvaluationRecordsOperation, { id, records }, refused(id));
      return { inserted_count: inserted, updated_count: updated };
    },
  }),
  route({
    method: 'GET',
    version: 3,
    path: '/mlflow/datasets/:dataset_id/records',
    operation: listEvaluationRecordsOperation,
    request: { ...byId, max_results: int32, page_token: string },
    response: { records: string, next_page_token: string },
    answer: async ({ dataset_id: given, max_results: limit, page_token: cursor = '' }, call) => {
      const id = datasetName(given);
      const { items, nextCursor } = await call(
        listEvaluationRecordsOperation,
        { id, limit: atMostPage(limit), ...(cursor !== '' && { cursor }) },
        refused(id),
      );
      return { records: JSON.stringify(items.map((item) => recordMessage(id, item))), ...pageToken(nextCursor) };
    },
  }),
  route({
    method: 'DELETE',
    version: 3,
    path: '/mlflow/datasets/:dataset_id/records',
    operation: removeEvaluationRecordsOperation,
    request: { ...byId, dataset_record_ids: repeated(string) },
    response: { deleted_count: int32 },
    answer: async ({ dataset_id: given, dataset_record_ids: recordIds = [] }, call) => {
      const id = datasetName(given);
      const input = { id, recordIds: [...recordIds] };
      const { removed } = await call(removeEvaluationRecordsOperation, input, refused(id));
      return { deleted_count: removed };
    },
  }),
  route({
    method: 'GET',
    version: 3,
    path: '/mlflow/datasets/:dataset_id/experiment-ids',
    operation: readEvaluationDatasetOperation,
    request: byId,
    response: { experiment_ids: repeated(string) },
    answer: async ({ dataset_id: given }, call) => {
      const id = datasetName(given);
      const { experimentIds } = await call(readEvaluationDatasetOperation, { id }, refused(id));
      return { experiment_ids: list(experimentIds) };
    },
  }),
  links('add'),
  links('remove'),
];
