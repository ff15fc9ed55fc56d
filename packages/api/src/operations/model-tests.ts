import { z } from 'zod';
import { aliasSchema, modelKind } from '#kinds/model.ts';
import { defineOperation, type Operation } from '#operations/operation.ts';
import { modelName, versionNumber } from '#operations/model-address.ts';
import { modelTestRunSchema } from '#records/model-tests.ts';

export const testModelOperation = defineOperation({
  name: 'modelTest.run',
  action: 'model:test',
  mode: 'write',
  scope: 'project',
  summary:
    'Runs the tests of a Model with one of its versions and returns the progress. Call again until it is done. Results are not stored.',
  input: z.strictObject({
    name: modelName,
    version: versionNumber.optional().describe('Number of the version.'),
    alias: aliasSchema.optional().describe('Alias, instead of the version number.'),
  }),
  output: modelTestRunSchema,
  target: ({ name }) => ({ kind: modelKind.kind, name }),
  roles: ['editor', 'operator'],
  http: { method: 'POST', path: '/api/v1/registry/models/:name/tests', status: 200 },
});

export const modelTestOperations: readonly Operation[] = [testModelOperation];
