import { z } from 'zod';

/** How one version of a model took over from another at an endpoint, or did not. */

export const rolloutStates = [
  'running',
  'paused',
  'promoted',
  'rolledBack',
  'failed',
  'aborted',
  'superseded',
] as const;
export type RolloutState = (typeof rolloutStates)[number];

const percent = z.number().describe('Percent of the traffic.');

export const rolloutFiguresSchema = z.strictObject({
  requests: z.int().describe('Answered in this step.'),
  failed: z.int().describe('Answered with 5xx.'),
  p50Ms: z.number().nullable().describe('Median of the latency; null without requests.'),
  p99Ms: z.number().nullable().describe('99th percentile of latency.'),
});
export type RolloutFigures = z.infer<typeof rolloutFiguresSchema>;

export const rolloutStepSchema = z.strictObject({
  number: z.int().describe('From 0: loading and the smoke test; then the steps of the ramp.'),
  weight: percent,
  startedAt: z.string().describe('RFC 3339, UTC.'),
  endedAt: z.string().optional().describe('RFC 3339, UTC; absent: it is under way.'),
  stable: rolloutFiguresSchema.optional().describe('The running version in this step.'),
  canary: rolloutFiguresSchema.optional().describe('The new version in this step.'),
  status: z.enum(['pending', 'passed', 'failed', 'forced']).describe('`forced`: continued manually without evaluation.'),
  message: z.string().describe('Description of the finding.'),
});
export type RolloutStep = z.infer<typeof rolloutStepSchema>;

export const rolloutSchema = z.strictObject({
  id: z.string().describe('Id.'),
  endpoint: z.string().describe('Name of the Endpoint.'),
  state: z
    .enum(rolloutStates)
    .describe(
      '`failed`: the process of the new version ended abnormally twice. `superseded`: another rollout started before it ended.',
    ),
  from: z.string().optional().describe('The model that answered before; absent: the first one.'),
  to: z.string().describe('The new model.'),
  cause: z.enum(['deploy', 'alias', 'rollback']).describe('A change of the manifest, a moved alias, a rollback.'),
  weights: z.array(z.number()).describe('Percent of the traffic, step by step.'),
  weight: percent.describe('Percent of the traffic that it has now.'),
  automatic: z.boolean().describe('Whether steps are automatic.'),
  reason: z.string().describe('Why it ended, or what it waits for.'),
  startedBy: z.string().describe('`user:ada`, `system:dais`.'),
  startedAt: z.string().describe('RFC 3339, UTC.'),
  endedBy: z.string().optional().describe('Who ended it.'),
  endedAt: z.string().optional().describe('RFC 3339, UTC.'),
  steps: z.array(rolloutStepSchema).describe('Columns in order.'),
});
export type Rollout = z.infer<typeof rolloutSchema>;

const rate = z.number().describe('Each second, over the last ten seconds.');

export const endpointFiguresSchema = z.strictObject({
  endpoint: z.string().describe('Name of the Endpoint.'),
  at: z.string().describe('RFC 3339, UTC.'),
  live: z.boolean().describe('False: no gateway reports metrics at the moment.'),
  variants: z.array(
    z.strictObject({
      name: z.string(),
      model: z.string().describe('`models:/flights/7`.'),
      requests: z.int().describe('Since the gateway started, or the model was put there.'),
      failed: z.int().describe('Answered with 5xx.'),
      refused: z.int().describe('For want of room or time.'),
      inFlight: z.int().describe('Rows that wait or run now.'),
      ratePerSecond: rate,
      failedPerSecond: rate,
      p50Ms: z.number().nullable().describe('Median of the latency over the last ten seconds.'),
      p99Ms: z.number().nullable().describe('99th percentile of the same.'),
      memoryBytes: z.number().describe('Of its model.'),
      workers: z.int().describe('Instances of its model.'),
    }),
  ),
});
export type EndpointFigures = z.infer<typeof endpointFiguresSchema>;

const tensor = z.strictObject({ name: z.string(), datatype: z.string(), shape: z.array(z.int()) });
export const endpointContractSchema = z.strictObject({
  endpoint: z.string().describe('Name of the Endpoint.'),
  model: z.string().describe('`models:/flights/7`: what is stable.'),
  ready: z.boolean().describe('Its model is loaded: the tensors are known.'),
  url: z.string().describe('Where it answers, below the address of Dais.'),
  port: z.int().optional().describe('Port of the gateway, which answers without the control plane.'),
  secure: z.boolean().describe('That port speaks HTTPS.'),
  inputs: z.array(tensor).describe('What it takes; -1 is any size.'),
  outputs: z.array(tensor).describe('What it gives.'),
  signature: z.unknown().describe('Of the model as it was logged; null: it has none.'),
  example: z.unknown().describe('The stored input example, as a body for `/invocations`; null: there is none.'),
});
export type EndpointContract = z.infer<typeof endpointContractSchema>;
