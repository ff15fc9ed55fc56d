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
  summary: 'Puts a model on an endpoint, which is made if there is none; from then on a rollout brings it up.',
  input: z.strictObject({
    endpoint: endpointKind.name.describe('Name of the Endpoint.'),
    model: servedModelReference,
    canary: z
      .number()
      .gt(0)
      .max(100)
      .optional()
      .describe(
        'Percent of the traffic that it gets, until somebody promotes or aborts. Default: the steps of the endpoint.',
      ),
    shadow: z
      .boolean()
      .default(false)
      .describe('It gets copies of all requests instead, as `shadow` of the manifest; what answers stays what it is.'),
  }),
  output: z.strictObject({ endpoint, created: z.boolean().describe('There was none of that name.') }),
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
    // Whoever stops a rollout puts nothing forward.
    target: (of) => (word === 'pause' || word === 'abort' ? { ...ofEndpoint(of), version: null } : ofEndpoint(of)),
    roles,
    http: { method: 'POST', path: `${base}/:endpoint/rollout/${word}`, status: 200 },
  });

export const promoteRolloutOperation = verb('promote', 'Ends a rollout: the new version gets all of the traffic.');
export const pauseRolloutOperation = verb('pause', 'Keeps a rollout where it is.');
export const resumeRolloutOperation = verb('resume', 'Lets a paused rollout go on.');
export const abortRolloutOperation = verb('abort', 'Ends a rollout: all of the traffic goes to the version before.');

export const rollBackOperation = defineOperation({
  name: 'rollout.revert',
  action: 'endpoint:deploy',
  mode: 'write',
  scope: 'project',
  summary: 'Brings the version back that answered before, at once; a rollout that is under way is aborted instead.',
  input: z.strictObject({ endpoint, reason }),
  output: rolloutSchema,
  // An emergency brake: what served before is not evaluated again, and is listed among the violations.
  target: (of) => ({ ...ofEndpoint(of), version: null }),
  roles,
  http: { method: 'POST', path: `${base}/:endpoint/revert`, status: 202 },
});

export const resumeEndpointOperation = defineOperation({
  name: 'endpoint.resume',
  action: 'endpoint:deploy',
  mode: 'write',
  scope: 'project',
  summary: 'Ends the quarantine of the models of an endpoint: each is loaded again.',
  input: z.strictObject({ endpoint, reason }),
  output: z.strictObject({
    endpoint,
    models: z.array(z.string()).describe('The models that are loaded again: `models:/flights/7`.'),
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
  summary: 'Gives the rollouts of an endpoint, newest first.',
  input: z.strictObject({
    endpoint,
    limit: z.int().min(1).max(1000).default(20).describe('Most items in one page.'),
    cursor: z.string().max(4096).optional().describe('`nextCursor` of the page before.'),
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
  summary: 'Gives the rates, latencies and errors of an endpoint as they are now.',
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
  summary: 'Says what an endpoint takes and gives, and where.',
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
    'Asks an endpoint many times at once, and tells how it answers: call it again with the same `run` until it is done. Nothing is kept, and nothing of it counts as a prediction.',
  input: z.strictObject({
    endpoint,
    run: z.uuid().describe('Made up by the caller: tells this test from others.'),
    connections: z.int().min(1).max(256).default(8).describe('Requests at once.'),
    rate: z.number().gt(0).max(100_000).optional().describe('Requests each second. Default: as many as are answered.'),
    seconds: z.number().gt(0).max(600).default(10).describe('How long.'),
    requests: z.int().min(1).max(100_000_000).optional().describe('Ends after so many, if that is sooner.'),
    variant: z.string().min(1).max(63).optional().describe('Asks this variant. Default: as traffic is shared.'),
    body: z
      .record(z.string(), z.unknown())
      .optional()
      .describe('As `/invocations` takes it. Default: the stored input example.'),
    stop: z.boolean().default(false).describe('Ends it now.'),
  }),
  output: loadTestSchema,
  target: ofEndpoint,
  roles,
  http: { method: 'POST', path: `${base}/:endpoint/load-test`, status: 200 },
});

/** Asked for every request that comes in by the main port; the gateway's own port asks its snapshot. */
export const invokeEndpointOperation = defineOperation({
  name: 'endpoint.invoke',
  action: 'endpoint:invoke',
  mode: 'read',
  scope: 'project',
  summary: 'Says whether the caller may send requests to an endpoint.',
  input: z.strictObject({ endpoint }),
  output: z.strictObject({ allowed: z.literal(true) }),
  target: ofEndpoint,
  roles: ['viewer', 'operator', 'editor'],
  http: { method: 'GET', path: `${base}/:endpoint/invoke-access`, status: 200 },
});

/** Most endpoints of a project that one list of models holds. */
export const MOST_INVOCABLE = 1000;

/** Asked for requests at the main port that name no endpoint, such as lists of models. */
export const listInvocableOperation = defineOperation({
  name: 'endpoint.listInvocable',
  action: 'endpoint:invoke',
  mode: 'read',
  scope: 'project',
  summary: `Lists the endpoints of a project to which the caller may send requests, at most ${MOST_INVOCABLE}.`,
  input: z.strictObject({}),
  output: z.strictObject({ endpoints: z.array(z.string()).describe('Names, in order.') }),
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
