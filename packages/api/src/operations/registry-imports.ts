import { z } from 'zod';
import { modelKind, modelTypes, stages } from '#kinds/model.ts';
import { defineOperation, type Operation } from '#operations/operation.ts';
import { modelName, versionNumber } from '#operations/model-address.ts';

/** Imports of another registry's models and versions unchanged: with numbers and times. */

const milliseconds = z.int().describe('Milliseconds since 1970-01-01 UTC.');
const tags = z.record(z.string().min(1).max(250), z.string().max(100_000)).default({});
const description = z.string().max(65_536).default('');
const nothing = z.strictObject({});

export const importModelOperation = defineOperation({
  name: 'registeredModel.import',
  action: 'model:import',
  mode: 'write',
  scope: 'project',
  summary: 'Imports a registered model without versions. An existing model of the same name is used.',
  input: z.strictObject({
    name: modelKind.name,
    type: z.enum(modelTypes).default('model'),
    description,
    createdAt: milliseconds,
    updatedAt: milliseconds,
    tags,
  }),
  output: nothing,
  target: ({ name, type }) => ({ kind: modelKind.kind, name, desired: { spec: { type } } }),
  roles: ['editor'],
  http: { method: 'POST', path: '/api/v1/registry/imports/models', status: 200 },
});

export const importModelVersionOperation = defineOperation({
  name: 'modelVersion.import',
  action: 'model:import',
  mode: 'write',
  scope: 'project',
  summary: 'Imports a model version. It keeps its number.',
  input: z.strictObject({
    name: modelName,
    version: versionNumber,
    source: z.string().min(1).max(2048).describe('Where it was taken from, with addresses of here.'),
    runId: z.string().max(256).optional(),
    loggedModelId: z.string().max(256).optional(),
    runLink: z.string().max(2048).optional(),
    description,
    stage: z.enum(stages).default('None'),
    createdAt: milliseconds,
    updatedAt: milliseconds,
    tags,
  }),
  output: z.strictObject({ artifactUri: z.string().describe('Artifact location.') }),
  target: ({ name }) => ({ kind: modelKind.kind, name }),
  roles: ['editor'],
  http: { method: 'POST', path: '/api/v1/registry/imports/versions', status: 200 },
});

export const registryImportOperations: readonly Operation[] = [importModelOperation, importModelVersionOperation];
