import { z } from 'zod';
import { endpointKind } from '#kinds/endpoint.ts';
import { defineOperation, type Operation } from '#operations/operation.ts';
import { loadTestSchema } from '#records/load-test.ts';
import { endpointContractSchema, endpointFiguresSchema, rolloutSchema } from '#records/rollout.ts';
import { servedModelReference } from '#serving/model-reference.ts';

const base = '/api/v1/serving/endpoints' as const;
const endpoint = z.string().min(1).max(63).describe('Name of the Endpoint.');
const reason = z.string().max(1000).default('').describe('Why.');
const ofEndpoint = (input: { readonly endpoint: string }) => ({ kind: endpointKind.kind, name: input.endpoint });
const roles = ['operator', 'editor'] as const;

export const deployOperation = defineOperation({
  name: 'rollout.start',
  action: 'endpoint:deploy',
  mode: 'write',
  scope: 'project',
  summary: 'Deploys a model to an endpoint with a rollout. Creates the endpoint if missing.',
  input: z.strictObject({
    endpoint: endpointKind.name.describe('Name of the Endpoint.'),
    model: servedModelReference,
    canary: z
      .number()
      .gt(0)
      .max(100)
      .optional()
      .describe('Canary traffic in percent until it is promoted or aborted. Default: the steps of the endpoint.'),
    shadow: z
      .boolean()
      .default(false)
      .describe('Deploy as shadow: the model gets copies of all requests and serves no responses.'),
  }),
  output: z.strictObject({ endpoint, created: z.boolean().describe('Whether the endpoint was created.') }),
  target: ({ endpoint: name, model }) => ({ kind: endpointKind.kind, name, desired: { spec: { model } } }),
  roles,
  http: { method: 'POST', path: `${base}/:endpoint/deploy`, status: 202 },
});

const verb = (word: 'promote' | 'pause' | 'resume' | 'abort', summary: string) =>
  defineOperation({
    name: `rollout.${word}`,
    action: 'endpoint:deploy',
    mode: 'write',
    scope: 'project',
    summary,
    input: z.strictObject({ endpoint, reason }),
    output: rolloutSchema,
    // Stopping a rollout promotes nothing.
    target: (of) => (word === 'pause' || word === 'abort' ? { ...ofEndpoint(of), version: null } : ofEndpoint(of)),
    roles,
    http: { method: 'POST', path: `${base}/:endpoint/rollout/${word}`, status: 200 },
  });

export const promoteRolloutOperation = verb('promote', 'Promotes a rollout: the new version gets all traffic.');
export const pauseRolloutOperation = verb('pause', 'Pauses a rollout.');
export const resumeRolloutOperation = verb('resume', 'Resumes a paused rollout.');
export const abortRolloutOperation = verb('abort', 'Aborts a rollout: the previous version gets all traffic.');

export const rollBackOperation = defineOperation({
  name: 'rollout.revert',
  action: 'endpoint:deploy',
  mode: 'write',
  scope: 'project',
  summary: 'Rolls back to the previous version immediately. An active rollout is aborted instead.',
  input: z.strictObject({ endpoint, reason }),
  output: rolloutSchema,
  // A rollback for emergencies: the previous version is not evaluated again, and is listed among the violations.
  target: (of) => ({ ...ofEndpoint(of), version: null }),
  roles,
  http: { method: 'POST', path: `${base}/:endpoint/revert`, status: 202 },
});

export const resumeEndpointOperation = defineOperation({
  name: 'endpoint.resume',
  action: 'endpoint:deploy',
  mode: 'write',
  scope: 'project',
  summary: 'Ends the quarantine of models of an endpoint and reloads them.',
  input: z.strictObject({ endpoint, reason }),
  output: z.strictObject({
    endpoint,
    models: z.array(z.string()).describe('Reloaded models: `models:/flights/7`.'),
  }),
  target: ofEndpoint,
  roles,
  http: { method: 'POST', path: `${base}/:endpoint/resume`, status: 202 },
});

export const listRolloutsOperation = defineOperation({
  name: 'rollout.list',
  action: 'endpoint:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists the rollouts of an endpoint, newest first.',
  input: z.strictObject({
    endpoint,
    limit: z.int().min(1).max(1000).default(20).describe('Maximum items per page.'),
    cursor: z.string().max(4096).optional().describe('`nextCursor` of the previous page.'),
  }),
  output: z.strictObject({ items: z.array(rolloutSchema), nextCursor: z.string().optional() }),
  target: ofEndpoint,
  http: { method: 'GET', path: `${base}/:endpoint/rollouts`, status: 200, query: ['limit', 'cursor'] },
});

export const readEndpointFiguresOperation = defineOperation({
  name: 'endpoint.figures',
  action: 'endpoint:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns current request rates, latencies and errors of an endpoint.',
  input: z.strictObject({ endpoint }),
  output: endpointFiguresSchema,
  target: ofEndpoint,
  http: { method: 'GET', path: `${base}/:endpoint/figures`, status: 200 },
});

export const readEndpointContractOperation = defineOperation({
  name: 'endpoint.contract',
  action: 'endpoint:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns the input and output schema and the URLs of an endpoint.',
  input: z.strictObject({ endpoint }),
  output: endpointContractSchema,
  target: ofEndpoint,
  http: { method: 'GET', path: `${base}/:endpoint/contract`, status: 200 },
});

export const loadTestOperation = defineOperation({
  name: 'endpoint.loadTest',
  action: 'endpoint:loadTest',
  mode: 'write',
  scope: 'project',
  summary:
    'Runs a load test on an endpoint. Call it again with the same `run` until it is done. Requests are not stored as predictions.',
  input: z.strictObject({
    endpoint,
    run: z.uuid().describe('Unique ID of the load test, chosen by the caller.'),
    connections: z.int().min(1).max(256).default(8).describe('Number of concurrent requests.'),
    rate: z.number().gt(0).max(100_000).optional().describe('Requests per second. Default: as fast as possible.'),
    seconds: z.number().gt(0).max(600).default(10).describe('Duration.'),
    requests: z.int().min(1).max(100_000_000).optional().describe('Maximum number of requests.'),
    variant: z.string().min(1).max(63).optional().describe('Target variant. Default: by traffic split.'),
    body: z
      .record(z.string(), z.unknown())
      .optional()
      .describe('Request body for `/invocations`. Default: the stored input example.'),
    stop: z.boolean().default(false).describe('Whether to stop the test.'),
  }),
  output: loadTestSchema,
  target: ofEndpoint,
  roles,
  http: { method: 'POST', path: `${base}/:endpoint/load-test`, status: 200 },
});

/** Authorized for every request through the main port; the gateway's own port uses its snapshot. */
export const invokeEndpointOperation = defineOperation({
  name: 'endpoint.invoke',
  action: 'endpoint:invoke',
  mode: 'read',
  scope: 'project',
  summary: 'Checks whether the caller may send requests to an endpoint.',
  input: z.strictObject({ endpoint }),
  output: z.strictObject({ allowed: z.literal(true) }),
  target: ofEndpoint,
  roles: ['viewer', 'operator', 'editor'],
  http: { method: 'GET', path: `${base}/:endpoint/invoke-access`, status: 200 },
});

/** Maximum number of endpoints of a project in one list of models. */
export const MOST_INVOCABLE = 1000;

/** Authorized for requests through the main port that name no endpoint, such as lists of models. */
export const listInvocableOperation = defineOperation({
  name: 'endpoint.listInvocable',
  action: 'endpoint:invoke',
  mode: 'read',
  scope: 'project',
  summary: `Lists the endpoints of a project to which the caller may send requests, at most ${MOST_INVOCABLE}.`,
  input: z.strictObject({}),
  output: z.strictObject({ endpoints: z.array(z.string()).describe('Names in alphabetical order.') }),
  target: () => ({ kind: endpointKind.kind }),
  roles: ['viewer', 'operator', 'editor'],
  http: { method: 'GET', path: '/api/v1/serving/invocable', status: 200 },
});

export const servingOperations: readonly Operation[] = [
  deployOperation,
  promoteRolloutOperation,
  pauseRolloutOperation,
  resumeRolloutOperation,
  abortRolloutOperation,
  rollBackOperation,
  resumeEndpointOperation,
  listRolloutsOperation,
  readEndpointFiguresOperation,
  readEndpointContractOperation,
  invokeEndpointOperation,
  listInvocableOperation,
  loadTestOperation,
];
