import { z } from 'zod';
import { aliasSchema, modelKind, modelTypes, stages } from '#kinds/model.ts';
import { modelName, versionNumber } from '#operations/model-address.ts';
import { defineOperation, type HttpBinding, type Operation } from '#operations/operation.ts';
import { modelVersionSchema, registeredModelSchema } from '#records/registry.ts';

const models = '/api/v1/registry/models' as const;
const versions = `${models}/:name/versions` as const;
const aliases = `${models}/:name/aliases` as const;

const text = (longest: number) => z.string().max(longest);
/** A model created before a name became reserved can still be read and deleted. */
const anyAlias = z.string().min(1).max(255).describe('Alias.');
const description = text(65_536);
const tagKey = z.string().min(1).max(250);
const tags = z.record(tagKey, text(100_000));
const changes = {
  description: description.optional(),
  tags: tags.optional().describe('Set or replaced.'),
  removeTags: z.array(tagKey).max(100).optional().describe('Keys of tags to remove. Missing keys are ignored.'),
};
const searchInput = (most: number, usual: number) => ({
  filter: text(16_384).optional().describe("`name LIKE 'flight%' and tags.team = 'vision'`."),
  orderBy: z.array(text(1024)).max(20).optional().describe('Sort order: `name desc`.'),
  types: z.array(z.enum(modelTypes)).max(2).default(['model']).describe('Types: models, prompts or both.'),
  limit: z.int().min(1).max(most).default(usual).describe('Maximum items per page.'),
  cursor: text(4096).optional().describe('`nextCursor` of the previous page.'),
});
const page = <Item extends z.ZodType>(item: Item) =>
  z.strictObject({ items: z.array(item), nextCursor: z.string().optional() });

const ofModel = ({ name }: { readonly name: string }) => ({ kind: modelKind.kind, name });
const ofAll = () => ({ kind: modelKind.kind });
const http = (method: HttpBinding['method'], path: HttpBinding['path'], status: 200 | 201 = 200): HttpBinding => ({
  method,
  path,
  status,
});
const nothing = z.strictObject({});

export const createModelOperation = defineOperation({
  name: 'registeredModel.create',
  action: 'model:write',
  mode: 'write',
  scope: 'project',
  summary: 'Registers a model without a manifest.',
  input: z.strictObject({
    name: modelKind.name.describe('Name, unique in the project.'),
    type: z.enum(modelTypes).default('model').describe('`prompt`: the versions are prompts for a language model.'),
    description: description.optional(),
    tags: tags.optional(),
  }),
  output: registeredModelSchema,
  target: ({ name, type }) => ({ kind: modelKind.kind, name, desired: { spec: { type } } }),
  http: http('POST', models, 201),
});

export const readModelOperation = defineOperation({
  name: 'registeredModel.get',
  action: 'model:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns a model with its aliases and the latest version of each stage.',
  input: z.strictObject({ name: modelName }),
  output: registeredModelSchema,
  target: ofModel,
  http: http('GET', `${models}/:name`),
});

export const searchModelsOperation = defineOperation({
  name: 'registeredModel.search',
  action: 'model:read',
  mode: 'read',
  scope: 'project',
  summary: 'Searches models by name and tags.',
  input: z.strictObject(searchInput(1000, 100)),
  output: page(registeredModelSchema),
  target: ofAll,
  http: http('POST', '/api/v1/registry/search/models'),
});

export const updateModelOperation = defineOperation({
  name: 'registeredModel.update',
  action: 'model:register',
  mode: 'write',
  scope: 'project',
  summary: 'Updates the description and tags of a model.',
  input: z.strictObject({ name: modelName, ...changes }),
  output: registeredModelSchema,
  target: ofModel,
  roles: ['editor'],
  http: http('POST', `${models}/:name`),
});

export const renameModelOperation = defineOperation({
  name: 'registeredModel.rename',
  action: 'model:rename',
  mode: 'write',
  scope: 'project',
  summary:
    'Renames a model with its versions, aliases, tags and approvals. A model of a manifest set is renamed there.',
  input: z.strictObject({ name: modelName, to: modelKind.name.describe('New name.') }),
  output: registeredModelSchema,
  // The handler also authorizes the new name.
  target: ofModel,
  roles: ['editor'],
  http: http('POST', `${models}/:name/rename`),
});

export const deleteModelOperation = defineOperation({
  name: 'registeredModel.delete',
  action: 'model:delete',
  mode: 'write',
  scope: 'project',
  summary: 'Deletes a model with its versions, aliases and approvals.',
  input: z.strictObject({ name: modelName }),
  output: nothing,
  target: ofModel,
  http: http('DELETE', `${models}/:name`),
});

export const createModelVersionOperation = defineOperation({
  name: 'modelVersion.create',
  action: 'model:register',
  mode: 'write',
  scope: 'project',
  summary: 'Registers a model version with the next number.',
  input: z.strictObject({
    name: modelName,
    source: text(8192)
      .min(1)
      .describe(
        'Source: `runs:/RUN/path`, `models:/LOGGED-MODEL`, `models:/NAME/VERSION`, or a URL. For prompts: any text.',
      ),
    runId: text(256).min(1).optional().describe('Id of the run that created it.'),
    loggedModelId: text(64).min(1).optional().describe('Id of the logged model.'),
    runLink: text(2048).optional().describe('URL of the run, if it is in another system.'),
    description: description.optional(),
    tags: tags.optional(),
  }),
  output: modelVersionSchema,
  target: ofModel,
  roles: ['editor'],
  http: http('POST', versions, 201),
});

export const readModelVersionOperation = defineOperation({
  name: 'modelVersion.get',
  action: 'model:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns a model version.',
  input: z.strictObject({ name: modelName, version: versionNumber }),
  output: modelVersionSchema,
  target: ofModel,
  http: http('GET', `${versions}/:version`),
});

export const searchModelVersionsOperation = defineOperation({
  name: 'modelVersion.search',
  action: 'model:read',
  mode: 'read',
  scope: 'project',
  summary: 'Searches model versions by name, run, source and tags.',
  input: z.strictObject(searchInput(200_000, 1000)),
  output: page(modelVersionSchema),
  target: ofAll,
  http: http('POST', '/api/v1/registry/search/versions'),
});

export const updateModelVersionOperation = defineOperation({
  name: 'modelVersion.update',
  action: 'model:register',
  mode: 'write',
  scope: 'project',
  summary: 'Updates the description and tags of a version.',
  input: z.strictObject({ name: modelName, version: versionNumber, ...changes }),
  output: modelVersionSchema,
  target: ofModel,
  roles: ['editor'],
  http: http('POST', `${versions}/:version`),
});

export const deleteModelVersionOperation = defineOperation({
  name: 'modelVersion.delete',
  action: 'model:deleteVersion',
  mode: 'write',
  scope: 'project',
  summary: 'Deletes a version with its aliases. Its number is not reused.',
  input: z.strictObject({ name: modelName, version: versionNumber }),
  output: nothing,
  target: ofModel,
  roles: ['editor'],
  http: http('DELETE', `${versions}/:version`),
});

export const stageModelVersionOperation = defineOperation({
  name: 'modelVersion.stage',
  action: 'model:promote',
  mode: 'write',
  scope: 'project',
  summary: 'Changes the stage of a version, if all required approvals are given.',
  input: z.strictObject({
    name: modelName,
    version: versionNumber,
    stage: z.enum(stages),
    archiveOthers: z.boolean().default(false).describe('Whether other versions in this stage move to `Archived`.'),
  }),
  output: modelVersionSchema,
  target: ({ name, version, stage }) => ({
    kind: modelKind.kind,
    name,
    version: stage === 'None' || stage === 'Archived' ? null : version,
    stage,
  }),
  roles: ['operator', 'editor'],
  http: http('POST', `${versions}/:version/stage`),
});

export const setModelAliasOperation = defineOperation({
  name: 'modelAlias.set',
  action: 'model:promote',
  mode: 'write',
  scope: 'project',
  summary: 'Moves an alias to a version, if all required approvals are given.',
  input: z.strictObject({ name: modelName, alias: aliasSchema.describe('Alias.'), version: versionNumber }),
  output: modelVersionSchema,
  target: ({ name, alias, version }) => ({ kind: modelKind.kind, name, version, alias }),
  roles: ['operator', 'editor'],
  http: http('PUT', `${aliases}/:alias`),
});

export const readModelAliasOperation = defineOperation({
  name: 'modelAlias.get',
  action: 'model:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns the version of an alias.',
  input: z.strictObject({ name: modelName, alias: anyAlias }),
  output: modelVersionSchema,
  target: ofModel,
  http: http('GET', `${aliases}/:alias`),
});

export const removeModelAliasOperation = defineOperation({
  name: 'modelAlias.remove',
  action: 'model:promote',
  mode: 'write',
  scope: 'project',
  summary: 'Removes an alias. Idempotent.',
  input: z.strictObject({ name: modelName, alias: anyAlias }),
  output: nothing,
  target: ({ name, alias }) => ({ kind: modelKind.kind, name, version: null, alias }),
  roles: ['operator', 'editor'],
  http: http('DELETE', `${aliases}/:alias`),
});

export const registryOperations: readonly Operation[] = [
  createModelOperation,
  readModelOperation,
  searchModelsOperation,
  updateModelOperation,
  renameModelOperation,
  deleteModelOperation,
  createModelVersionOperation,
  readModelVersionOperation,
  searchModelVersionsOperation,
  updateModelVersionOperation,
  deleteModelVersionOperation,
  stageModelVersionOperation,
  setModelAliasOperation,
  readModelAliasOperation,
  removeModelAliasOperation,
];
