import { z } from 'zod';

/** A rollout of a model version at an endpoint, and its result. */

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

const percent = z.number().describe('Traffic in percent.');

export const rolloutFiguresSchema = z.strictObject({
  requests: z.int().describe('Number of completed requests in this step.'),
  failed: z.int().describe('Number of 5xx responses.'),
  p50Ms: z.number().nullable().describe('Median latency; null without requests.'),
  p99Ms: z.number().nullable().describe('99th percentile of latency.'),
});
export type RolloutFigures = z.infer<typeof rolloutFiguresSchema>;

export const rolloutStepSchema = z.strictObject({
  number: z.int().describe('From 0: loading and the smoke test; then the steps of the ramp.'),
  weight: percent,
  startedAt: z.string().describe('RFC 3339, UTC.'),
  endedAt: z.string().optional().describe('End time; RFC 3339, UTC; absent while in progress.'),
  stable: rolloutFiguresSchema.optional().describe('Metrics of the current version in this step.'),
  canary: rolloutFiguresSchema.optional().describe('Metrics of the new version in this step.'),
  status: z
    .enum(['pending', 'passed', 'failed', 'forced'])
    .describe('`forced`: continued manually without evaluation.'),
  message: z.string().describe('Description of the finding.'),
});
export type RolloutStep = z.infer<typeof rolloutStepSchema>;

export const rolloutSchema = z.strictObject({
  id: z.string().describe('Id.'),
  endpoint: z.string().describe('Name of the Endpoint.'),
  state: z
    .enum(rolloutStates)
    .describe(
      '`failed`: the process of the new version crashed twice. `superseded`: another rollout started before the end.',
    ),
  from: z.string().optional().describe('Previous model; absent for the first one.'),
  to: z.string().describe('New model.'),
  cause: z
    .enum(['deploy', 'alias', 'rollback'])
    .describe('Cause: a change of the manifest, a moved alias, or a rollback.'),
  weights: z.array(z.number()).describe('Traffic in percent, step by step.'),
  weight: percent.describe('Current traffic in percent.'),
  automatic: z.boolean().describe('Whether steps are automatic.'),
  reason: z.string().describe('Reason of the end, or what the rollout waits for.'),
  startedBy: z.string().describe('`user:ada`, `system:dais`.'),
  startedAt: z.string().describe('RFC 3339, UTC.'),
  endedBy: z.string().optional().describe('User who ended it.'),
  endedAt: z.string().optional().describe('RFC 3339, UTC.'),
  steps: z.array(rolloutStepSchema).describe('Columns in order.'),
});
export type Rollout = z.infer<typeof rolloutSchema>;

const rate = z.number().describe('Requests per second over the last ten seconds.');

export const endpointFiguresSchema = z.strictObject({
  endpoint: z.string().describe('Name of the Endpoint.'),
  at: z.string().describe('RFC 3339, UTC.'),
  live: z.boolean().describe('Whether a gateway reports metrics.'),
  variants: z.array(
    z.strictObject({
      name: z.string(),
      model: z.string().describe('`models:/flights/7`.'),
      requests: z.int().describe('Total since the gateway started or the model was loaded.'),
      failed: z.int().describe('Number of 5xx responses.'),
      refused: z.int().describe('Number of requests rejected because of queue limits or timeouts.'),
      inFlight: z.int().describe('Number of waiting and running rows.'),
      ratePerSecond: rate,
      failedPerSecond: rate,
      p50Ms: z.number().nullable().describe('Median latency over the last ten seconds.'),
      p99Ms: z.number().nullable().describe('99th percentile of latency over the last ten seconds.'),
      memoryBytes: z.number().describe('Id of the model.'),
      workers: z.int().describe('Number of model instances.'),
    }),
  ),
});
export type EndpointFigures = z.infer<typeof endpointFiguresSchema>;

const tensor = z.strictObject({ name: z.string(), datatype: z.string(), shape: z.array(z.int()) });
export const endpointContractSchema = z.strictObject({
  endpoint: z.string().describe('Name of the Endpoint.'),
  model: z.string().describe('Stable version: `models:/flights/7`.'),
  ready: z.boolean().describe('Whether the model is loaded, so that the tensors are known.'),
  url: z.string().describe('Path of the endpoint, at the gateway and at Dais itself: `/p/default/v2/models/delays`.'),
  port: z.int().optional().describe('Port of the gateway, which serves without the control plane.'),
  gatewayUrl: z
    .string()
    .optional()
    .describe('Base URL for predictions, if configured; otherwise the gateway is at `port` on the host of Dais.'),
  secure: z.boolean().describe('Whether the port uses HTTPS.'),
  inputs: z.array(tensor).describe('Inputs; -1 is any size.'),
  outputs: z.array(tensor).describe('Outputs.'),
  signature: z.unknown().describe('Signature of the logged model; null: none.'),
  example: z.unknown().describe('Input example as a body for `/invocations`; null: none.'),
});
export type EndpointContract = z.infer<typeof endpointContractSchema>;
