import {
  createModelVersionOperation,
  deleteModelVersionOperation,
  readModelVersionOperation,
  searchModelVersionsOperation,
  stageModelVersionOperation,
  updateModelVersionOperation,
  type ModelVersion,
} from '@dais/api/registry';
import { readLoggedModelOperation, tagLoggedModelOperation } from '@dais/api/tracking';
import { modelVersionFilter } from '@dais/api/filter';
import { spacedJson } from '#lib/formats/spaced-json.ts';
import { route, type CallOperation, type Route } from '../route.ts';
import { list, pageToken } from '../wire/encode.ts';
import { atMost, bool, int64, nested, repeated, required, string } from '../wire/message.ts';
import { pairField, searchFields } from '../wire/messages.ts';
import { invalid } from '../wire/mlflow-error.ts';
import { requireModelName, requireRegistryTag, stageOf, versionNumber } from '../wire/registry-limits.ts';
import { modelVersion, modelVersionMessage } from '../wire/registry-messages.ts';
import { searchInputOf } from './prompts.ts';
import { refusedSource, refusedVersion } from './registry-errors.ts';
import { searchInput } from './search-input.ts';

const byVersion = { name: required(string), version: required(string) };
const answered = { model_version: nested(modelVersion) };
const MOST = 200_000;
/** Clients read here which versions a logged model became: a JSON list. */
const VERSIONS_TAG = 'mlflow.modelVersions';

export const modelVersionRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/mlflow/model-versions/create',
    operation: createModelVersionOperation,
    request: {
      name: required(string),
      source: required(string),
      run_id: string,
      tags: pairField,
      run_link: string,
      description: string,
      model_id: string,
    },
    response: answered,
    answer: async ({ name, source, tags: sent = [], ...more }, call) => {
      requireModelName(name);
      const { run_id: runId = '', run_link: runLink = '', description = '', model_id: loggedModelId = '' } = more;
      const tags = Object.fromEntries(sent.map(({ key = '', value = '' }) => [key, value]));
      for (const [key, value] of Object.entries(tags)) requireRegistryTag(key, value);
      const made = await call(
        createModelVersionOperation,
        {
          name,
          source,
          tags,
          ...(runId !== '' && { runId }),
          ...(runLink !== '' && { runLink }),
          ...(description !== '' && { description }),
          ...(loggedModelId !== '' && { loggedModelId }),
        },
        refusedSource(name),
      );
      await noteVersion(made, call);
      return { model_version: modelVersionMessage(made) };
    },
  }),
  route({
    method: 'GET',
    path: '/mlflow/model-versions/get',
    operation: readModelVersionOperation,
    request: byVersion,
    response: answered,
    answer: async ({ name, version }, call) => ({
      model_version: modelVersionMessage(await read(name, version, call)),
    }),
  }),
  route({
    method: 'GET',
    path: '/mlflow/model-versions/get-download-uri',
    operation: readModelVersionOperation,
    request: byVersion,
    response: { artifact_uri: string },
    answer: async ({ name, version }, call) => {
      const { source, artifactUri } = await read(name, version, call);
      // Clients also read logged models of the run here, which are stored elsewhere.
      return { artifact_uri: /^runs:/i.test(source) ? source : artifactUri };
    },
  }),
  route({
    method: 'PATCH',
    path: '/mlflow/model-versions/update',
    operation: updateModelVersionOperation,
    request: { ...byVersion, description: string },
    response: answered,
    answer: async ({ name, version: given, description = '' }, call) => {
      const version = versionNumber(name, given);
      const changed = await call(
        updateModelVersionOperation,
        { name, version, description },
        refusedVersion(name, version),
      );
      return { model_version: modelVersionMessage(changed) };
    },
  }),
  route({
    method: 'POST',
    path: '/mlflow/model-versions/transition-stage',
    operation: stageModelVersionOperation,
    request: { ...byVersion, stage: required(string), archive_existing_versions: bool },
    response: answered,
    answer: async (
      { name, version: given, stage: requested, archive_existing_versions: archiveOthers = false },
      call,
    ) => {
      const version = versionNumber(name, given);
      const stage = stageOf(requested);
      const moved = await call(
        stageModelVersionOperation,
        { name, version, stage, archiveOthers },
        refusedVersion(name, version),
      );
      return { model_version: modelVersionMessage(moved) };
    },
  }),
  route({
    method: 'DELETE',
    path: '/mlflow/model-versions/delete',
    operation: deleteModelVersionOperation,
    request: byVersion,
    answer: async ({ name, version: given }, call) => {
      const version = versionNumber(name, given);
      return await call(deleteModelVersionOperation, { name, version }, refusedVersion(name, version));
    },
  }),
  route({
    method: 'GET',
    path: '/mlflow/model-versions/search',
    operation: searchModelVersionsOperation,
    request: { ...searchFields, max_results: atMost(int64, MOST) },
    response: { model_versions: repeated(nested(modelVersion)), next_page_token: string },
    answer: async (values, call) => {
      const { max_results: limit = 10_000 } = values;
      if (limit < 1) throw invalid(`Invalid value for max_results. It must be a positive integer, but got ${limit}`);
      const { view: _view, filter = '', ...search } = searchInput({ ...values, max_results: limit });
      const { items, nextCursor } = await call(searchModelVersionsOperation, {
        ...search,
        limit,
        ...searchInputOf(modelVersionFilter, filter),
      });
      return { model_versions: list(items.map(modelVersionMessage)), ...pageToken(nextCursor) };
    },
  }),
  route({
    method: 'POST',
    path: '/mlflow/model-versions/set-tag',
    operation: updateModelVersionOperation,
    request: { ...byVersion, key: required(string), value: string },
    answer: async ({ name, version: given, key, value = '' }, call) => {
      const version = versionNumber(name, given);
      requireRegistryTag(key, value);
      await call(updateModelVersionOperation, { name, version, tags: { [key]: value } }, refusedVersion(name, version));
      return {};
    },
  }),
  route({
    method: 'DELETE',
    path: '/mlflow/model-versions/delete-tag',
    operation: updateModelVersionOperation,
    request: { ...byVersion, key: required(string) },
    answer: async ({ name, version: given, key }, call) => {
      const version = versionNumber(name, given);
      requireRegistryTag(key, '');
      await call(updateModelVersionOperation, { name, version, removeTags: [key] }, refusedVersion(name, version));
      return {};
    },
  }),
];

async function read(name: string, given: string, call: CallOperation): Promise<ModelVersion> {
  const version = versionNumber(name, given);
  return await call(readModelVersionOperation, { name, version }, refusedVersion(name, version));
}

/** Records on the logged model which version it became, if the caller may write to it: the version already exists. */
async function noteVersion({ model: name, version, loggedModelId: id }: ModelVersion, call: CallOperation) {
  if (id === undefined) return;
  const skip = () => new Skipped();
  const refusals = { not_found: skip, forbidden: skip, invalid_state: skip };
  try {
    const { tags } = await call(readLoggedModelOperation, { id }, refusals);
    const before = readList(tags[VERSIONS_TAG] ?? '[]');
    const value = spacedJson([...before, { name, version }]);
    await call(tagLoggedModelOperation, { id, tags: [{ key: VERSIONS_TAG, value }] }, refusals);
  } catch (error) {
    if (!(error instanceof Skipped)) throw error;
  }
}

class Skipped extends Error {}

function readList(json: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(json);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}
