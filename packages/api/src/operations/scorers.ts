import { z } from 'zod';
import { defineOperation, type HttpBinding, type Operation } from '#operations/operation.ts';
import { onlineScoringConfigSchema, scorerSchema } from '#records/evaluation.ts';

const scorers = '/api/v1/tracking/scorers' as const;
const ofScorer = () => ({ kind: 'Scorer' });

const experimentId = z
  .string()
  .regex(/^\d{1,18}$/)
  .describe('Id of the experiment.');
const name = z.string().min(1).max(256).describe('Name of the scorer.');
const version = z.int().min(1).max(2_147_483_647);
const page = {
  limit: z.int().min(1).max(1000).default(100).describe('Maximum items per page.'),
  cursor: z.string().max(4096).optional().describe('`nextCursor` of the previous page.'),
};
const output = z.strictObject({ items: z.array(scorerSchema), nextCursor: z.string().optional() });
const http = (
  method: HttpBinding['method'],
  path: HttpBinding['path'],
  more: Partial<HttpBinding> = {},
): HttpBinding => ({ method, path, status: 200, ...more });

export const registerScorerOperation = defineOperation({
  name: 'scorer.register',
  action: 'scorer:create',
  mode: 'write',
  scope: 'project',
  summary: 'Registers a scorer, or its next version.',
  input: z.strictObject({
    experimentId,
    name,
    definition: z.string().min(1).max(1_048_576).describe('Serialized scorer of the client. Dais never executes it.'),
  }),
  output: scorerSchema,
  target: ofScorer,
  roles: ['operator', 'editor'],
  http: http('POST', scorers, { status: 201 }),
});

export const searchScorersOperation = defineOperation({
  name: 'scorer.search',
  action: 'scorer:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists the latest version of each scorer, by experiment and name.',
  input: z.strictObject({
    experimentIds: z
      .array(experimentId)
      .max(1000)
      .optional()
      .describe('Ids of experiments. Default: all that are not deleted.'),
    ...page,
  }),
  output,
  target: ofScorer,
  http: http('POST', '/api/v1/tracking/search/scorers'),
});

export const listScorerVersionsOperation = defineOperation({
  name: 'scorer.versions',
  action: 'scorer:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists the versions of a scorer, oldest first.',
  input: z.strictObject({ experimentId, name, ...page }),
  output,
  target: ofScorer,
  http: http('GET', `${scorers}/:experimentId/:name/versions`, { query: ['limit', 'cursor'] }),
});

export const readScorerOperation = defineOperation({
  name: 'scorer.get',
  action: 'scorer:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns a scorer.',
  input: z.strictObject({ experimentId, name, version: version.optional().describe('Version. Default: the latest.') }),
  output: scorerSchema,
  target: ofScorer,
  http: http('GET', `${scorers}/:experimentId/:name`, { query: ['version'] }),
});

export const deleteScorerOperation = defineOperation({
  name: 'scorer.delete',
  action: 'scorer:delete',
  mode: 'write',
  scope: 'project',
  summary: 'Permanently deletes a scorer or one version. Idempotent.',
  input: z.strictObject({ experimentId, name, version: version.optional().describe('Version. Default: all.') }),
  output: z.strictObject({ deleted: z.int().describe('Number of versions.') }),
  target: ofScorer,
  roles: ['editor'],
  http: http('DELETE', `${scorers}/:experimentId/:name`, { query: ['version'] }),
});

export const setOnlineScoringOperation = defineOperation({
  name: 'scorer.setOnlineScoring',
  action: 'scorer:update',
  mode: 'write',
  scope: 'project',
  summary:
    'Replaces the online scoring configuration of a scorer. Programs that score traces read it; Dais runs no scorer.',
  input: z.strictObject({
    experimentId,
    name,
    sampleRate: z.number().min(0).max(1).describe('Fraction of the traces to score, from 0 (off) to 1.'),
    filter: z
      .string()
      .max(65_536)
      .optional()
      .describe("Filter of the traces to score, as in searches of traces: `status = 'OK'`. Default: all."),
  }),
  output: onlineScoringConfigSchema,
  target: ofScorer,
  roles: ['operator', 'editor'],
  http: http('PUT', `${scorers}/:experimentId/:name/online-scoring`),
});

export const searchOnlineScoringOperation = defineOperation({
  name: 'scorer.searchOnlineScoring',
  action: 'scorer:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists online scoring configurations of scorers, by experiment and name.',
  input: z.strictObject({
    scorerIds: z.array(z.string().min(1).max(64)).max(1000).optional().describe('Ids of scorers. Default: all.'),
    ...page,
  }),
  output: z.strictObject({ items: z.array(onlineScoringConfigSchema), nextCursor: z.string().optional() }),
  target: ofScorer,
  http: http('POST', '/api/v1/tracking/search/online-scoring'),
});

export const scorerOperations: readonly Operation[] = [
  registerScorerOperation,
  searchScorersOperation,
  listScorerVersionsOperation,
  readScorerOperation,
  deleteScorerOperation,
  setOnlineScoringOperation,
  searchOnlineScoringOperation,
];
