import {
  createModelOperation,
  deleteModelOperation,
  readModelAliasOperation,
  readModelOperation,
  removeModelAliasOperation,
  renameModelOperation,
  searchModelsOperation,
  setModelAliasOperation,
  updateModelOperation,
  type ModelVersion,
} from '@dais/api/registry';
import { registeredModelFilter } from '@dais/api/filter';
import { route, type CallOperation, type Route } from '../route.ts';
import { list, pageToken } from '../wire/encode.ts';
import { requirePage } from '../wire/limits.ts';
import { atMost, int64, nested, repeated, required, string } from '../wire/message.ts';
import { pairField, searchFields } from '../wire/messages.ts';
import { missing } from '../wire/mlflow-error.ts';
import { requireAlias, requireModelName, requireRegistryTag, stageOf, versionNumber } from '../wire/registry-limits.ts';
import {
  modelVersion,
  modelVersionMessage,
  registeredModel,
  registeredModelMessage,
} from '../wire/registry-messages.ts';
import { isPrompt, searchInputOf } from './prompts.ts';
import { refusedAlias, refusedModel, refusedVersion, takenName } from './registry-errors.ts';
import { searchInput } from './search-input.ts';

const byName = { name: required(string) };
const answered = { registered_model: nested(registeredModel) };
const MOST = 1000;
/** An alias that no one can set: it always names the newest version. */
const isLatest = (alias: string) => alias.toLowerCase() === 'latest';

async function latestVersion(name: string, call: CallOperation): Promise<ModelVersion> {
  const { latestVersions: ofStages } = await call(readModelOperation, { name }, refusedModel(name));
  const newest = ofStages.toSorted((a, b) => b.version - a.version)[0];
  if (newest === undefined) throw missing(`Latest version not found for model ${name}.`);
  return newest;
}

const latestVersions = (method: 'GET' | 'POST') =>
  route({
    method,
    path: '/mlflow/registered-models/get-latest-versions',
    operation: readModelOperation,
    request: { ...byName, stages: repeated(string) },
    response: { model_versions: repeated(nested(modelVersion)) },
    answer: async ({ name, stages = [] }, call) => {
      const requested = new Set(stages.map(stageOf));
      const model = await call(readModelOperation, { name }, refusedModel(name));
      const found = model.latestVersions.filter(({ stage }) => requested.size === 0 || requested.has(stage));
      return { model_versions: list(found.map(modelVersionMessage)) };
    },
  });

export const modelRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/mlflow/registered-models/create',
    operation: createModelOperation,
    request: { ...byName, tags: pairField, description: string, deployment_job_id: string },
    response: answered,
    answer: async ({ name, tags: sent = [], description = '' }, call) => {
      requireModelName(name);
      const tags = Object.fromEntries(sent.map(({ key = '', value = '' }) => [key, value]));
      for (const [key, value] of Object.entries(tags)) requireRegistryTag(key, value);
      const type = isPrompt(tags) ? 'prompt' : 'model';
      const made = await call(
        createModelOperation,
        { name, type, tags, ...(description !== '' && { description }) },
        takenName(name, type === 'prompt' ? 'Prompt' : 'Registered Model'),
      );
      return { registered_model: registeredModelMessage(made) };
    },
  }),
  route({
    method: 'GET',
    path: '/mlflow/registered-models/get',
    operation: readModelOperation,
    request: byName,
    response: answered,
    answer: async ({ name }, call) => ({
      registered_model: registeredModelMessage(await call(readModelOperation, { name }, refusedModel(name))),
    }),
  }),
  route({
    method: 'POST',
    path: '/mlflow/registered-models/rename',
    operation: renameModelOperation,
    request: { ...byName, new_name: required(string) },
    response: answered,
    answer: async ({ name, new_name: to }, call) => {
      requireModelName(to, 'new_name');
      const renamed = await call(renameModelOperation, { name, to }, { ...refusedModel(name), ...takenName(to) });
      return { registered_model: registeredModelMessage(renamed) };
    },
  }),
  route({
    method: 'PATCH',
    path: '/mlflow/registered-models/update',
    operation: updateModelOperation,
    request: { ...byName, description: string, deployment_job_id: string },
    response: answered,
    answer: async ({ name, description = '' }, call) => ({
      registered_model: registeredModelMessage(
        await call(updateModelOperation, { name, description }, refusedModel(name)),
      ),
    }),
  }),
  route({
    method: 'DELETE',
    path: '/mlflow/registered-models/delete',
    operation: deleteModelOperation,
    request: byName,
    answer: async ({ name }, call) => await call(deleteModelOperation, { name }, refusedModel(name)),
  }),
  route({
    method: 'GET',
    path: '/mlflow/registered-models/search',
    operation: searchModelsOperation,
    request: { ...searchFields, max_results: atMost(int64, MOST) },
    response: { registered_models: repeated(nested(registeredModel)), next_page_token: string },
    answer: async (values, call) => {
      requirePage(values.max_results, MOST);
      const { view: _view, filter = '', ...search } = searchInput(values);
      const { items, nextCursor } = await call(searchModelsOperation, {
        ...search,
        ...searchInputOf(registeredModelFilter, filter),
      });
      return { registered_models: list(items.map(registeredModelMessage)), ...pageToken(nextCursor) };
    },
  }),
  latestVersions('POST'),
  latestVersions('GET'),
  route({
    method: 'POST',
    path: '/mlflow/registered-models/set-tag',
    operation: updateModelOperation,
    request: { ...byName, key: required(string), value: string },
    answer: async ({ name, key, value = '' }, call) => {
      requireRegistryTag(key, value);
      await call(updateModelOperation, { name, tags: { [key]: value } }, refusedModel(name));
      return {};
    },
  }),
  route({
    method: 'DELETE',
    path: '/mlflow/registered-models/delete-tag',
    operation: updateModelOperation,
    request: { ...byName, key: required(string) },
    answer: async ({ name, key }, call) => {
      requireRegistryTag(key, '');
      await call(updateModelOperation, { name, removeTags: [key] }, refusedModel(name));
      return {};
    },
  }),
  route({
    method: 'POST',
    path: '/mlflow/registered-models/alias',
    operation: setModelAliasOperation,
    request: { ...byName, alias: required(string), version: required(string) },
    answer: async ({ name, alias, version: given }, call) => {
      requireAlias(alias);
      const version = versionNumber(name, given);
      await call(setModelAliasOperation, { name, alias, version }, refusedVersion(name, version));
      return {};
    },
  }),
  route({
    method: 'DELETE',
    path: '/mlflow/registered-models/alias',
    operation: removeModelAliasOperation,
    request: { ...byName, alias: required(string) },
    answer: async ({ name, alias }, call) =>
      await call(removeModelAliasOperation, { name, alias }, refusedAlias(name, alias)),
  }),
  route({
    method: 'GET',
    path: '/mlflow/registered-models/alias',
    operation: readModelAliasOperation,
    request: { ...byName, alias: required(string) },
    response: { model_version: nested(modelVersion) },
    answer: async ({ name, alias }, call) => ({
      model_version: modelVersionMessage(
        isLatest(alias)
          ? await latestVersion(name, call)
          : await call(readModelAliasOperation, { name, alias }, refusedAlias(name, alias)),
      ),
    }),
  }),
];
