import {
  createExperimentOperation,
  deleteExperimentOperation,
  findExperimentOperation,
  readExperimentOperation,
  restoreExperimentOperation,
  searchDatasetsOperation,
  searchExperimentsOperation,
  updateExperimentOperation,
} from '@dais/api/tracking';
import { route, type Refusals, type Route } from '../route.ts';
import { experimentMessage, list, pageToken } from '../wire/encode.ts';
import {
  experimentNumber,
  LIMITS,
  requireArtifactLocation,
  requireExperimentName,
  requireExperimentTag,
  requirePage,
} from '../wire/limits.ts';
import { int64, nested, repeated, required, string } from '../wire/message.ts';
import { experiment, pairField, searchFields, viewType } from '../wire/messages.ts';
import { invalid, missing, MlflowError } from '../wire/mlflow-error.ts';
import { isTagMissing } from './run-errors.ts';
import { searchInput } from './search-input.ts';

const byId = { experiment_id: required(string) };
const searchMessage = { max_results: int64, ...searchFields, view_type: viewType };

export function noExperiment(id: string): Refusals {
  return { not_found: () => missing(`No Experiment with id=${id} exists`) };
}

function taken(name: string): Refusals {
  return {
    already_exists: () => new MlflowError('RESOURCE_ALREADY_EXISTS', `Experiment(name=${name}) already exists.`),
  };
}

const searchResponse = { experiments: repeated(nested(experiment)), next_page_token: string };

const search = (method: 'GET' | 'POST') =>
  route({
    method,
    path: '/mlflow/experiments/search',
    operation: searchExperimentsOperation,
    request: searchMessage,
    response: searchResponse,
    answer: async (values, call) => {
      // The field has no default here: clients send one.
      requirePage(values.max_results ?? 0, LIMITS.searchResults);
      const { items, nextCursor } = await call(searchExperimentsOperation, searchInput(values, values.view_type));
      return { experiments: list(items.map(experimentMessage)), ...pageToken(nextCursor) };
    },
  });

export const experimentRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/mlflow/experiments/create',
    operation: createExperimentOperation,
    request: { name: required(string), artifact_location: string, tags: pairField },
    response: { experiment_id: string },
    answer: async ({ name, artifact_location: location, tags = [] }, call) => {
      requireExperimentName(name);
      for (const { key = '', value = '' } of tags) requireExperimentTag(key, value);
      if (location !== undefined && location !== '') requireArtifactLocation(location);
      const made = await call(
        createExperimentOperation,
        {
          name,
          ...(location !== undefined && location !== '' && { artifactLocation: location }),
          tags: Object.fromEntries(tags.map(({ key = '', value = '' }) => [key, value])),
        },
        taken(name),
      );
      return { experiment_id: made.id };
    },
  }),
  route({
    method: 'GET',
    path: '/mlflow/experiments/get',
    operation: readExperimentOperation,
    request: byId,
    response: { experiment: nested(experiment) },
    answer: async ({ experiment_id: given }, call) => {
      const id = experimentNumber(given);
      return { experiment: experimentMessage(await call(readExperimentOperation, { id }, noExperiment(id))) };
    },
  }),
  route({
    method: 'GET',
    path: '/mlflow/experiments/get-by-name',
    operation: findExperimentOperation,
    request: { experiment_name: required(string) },
    response: { experiment: nested(experiment) },
    answer: async ({ experiment_name: name }, call) => {
      const unknown = () => missing(`Could not find experiment with name '${name}'`);
      if (name.length > LIMITS.experimentName) throw unknown();
      return {
        experiment: experimentMessage(await call(findExperimentOperation, { name }, { not_found: unknown })),
      };
    },
  }),
  search('POST'),
  search('GET'),
  route({
    method: 'POST',
    path: '/mlflow/experiments/update',
    operation: updateExperimentOperation,
    request: { ...byId, new_name: required(string) },
    answer: async ({ experiment_id: given, new_name: name }, call) => {
      const id = experimentNumber(given);
      requireExperimentName(name);
      await call(
        updateExperimentOperation,
        { id, name },
        {
          ...noExperiment(id),
          ...taken(name),
          invalid_state: () => invalid('Cannot rename a non-active experiment.'),
        },
      );
      return {};
    },
  }),
  route({
    method: 'POST',
    path: '/mlflow/experiments/delete',
    operation: deleteExperimentOperation,
    request: byId,
    answer: async ({ experiment_id: given }, call) => {
      const id = experimentNumber(given);
      const gone = noExperiment(id);
      return await call(deleteExperimentOperation, { id }, { ...gone, invalid_state: gone.not_found });
    },
  }),
  route({
    method: 'POST',
    path: '/mlflow/experiments/restore',
    operation: restoreExperimentOperation,
    request: byId,
    answer: async ({ experiment_id: given }, call) => {
      const id = experimentNumber(given);
      const gone = noExperiment(id);
      return await call(restoreExperimentOperation, { id }, { ...gone, invalid_state: gone.not_found });
    },
  }),
  route({
    method: 'POST',
    path: '/mlflow/experiments/set-experiment-tag',
    operation: updateExperimentOperation,
    request: { ...byId, key: required(string), value: string },
    answer: async ({ experiment_id: given, key, value = '' }, call) => {
      const id = experimentNumber(given);
      requireExperimentTag(key, value);
      await call(updateExperimentOperation, { id, tags: { [key]: value } }, { ...noExperiment(id), ...inactive(id) });
      return {};
    },
  }),
  route({
    method: 'POST',
    path: '/mlflow/experiments/delete-experiment-tag',
    operation: updateExperimentOperation,
    request: { ...byId, key: required(string) },
    answer: async ({ experiment_id: given, key }, call) => {
      const id = experimentNumber(given);
      const noTag = () => missing(`No tag with name: ${key} in experiment with id ${id}`);
      if (key.length > LIMITS.key) throw noTag();
      await call(
        updateExperimentOperation,
        { id, removeTags: [key] },
        {
          not_found: (refused) => (isTagMissing(refused) ? noTag() : missing(`No Experiment with id=${id} exists`)),
          ...inactive(id),
        },
      );
      return {};
    },
  }),
  route({
    method: 'POST',
    path: '/mlflow/experiments/search-datasets',
    beside: "the path in MLflow's definition lacks a slash",
    operation: searchDatasetsOperation,
    request: { experiment_ids: repeated(string) },
    response: {
      dataset_summaries: repeated(nested({ experiment_id: string, name: string, digest: string, context: string })),
    },
    answer: async ({ experiment_ids: given = [] }, call) => {
      if (given.length === 0) throw invalid('SearchDatasets request must specify at least one experiment_id.');
      if (given.length > LIMITS.datasetExperiments) {
        throw invalid(
          `SearchDatasets request cannot specify more than ${LIMITS.datasetExperiments} experiment_ids. Received ${given.length} experiment_ids.`,
        );
      }
      const { items } = await call(searchDatasetsOperation, { experimentIds: given.map(experimentNumber) });
      const summaries = items.map(({ experimentId: id, name, digest, context }) => ({
        experiment_id: id,
        name,
        digest,
        context,
      }));
      return { dataset_summaries: list(summaries) };
    },
  }),
];

export function inactive(id: string): Refusals {
  return {
    invalid_state: () => invalid(`The experiment ${id} must be in the 'active' state. Current state is deleted.`),
  };
}
