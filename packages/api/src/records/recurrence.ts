import { z } from 'zod';
import { reference } from '#manifest.ts';
import { executionParameterSchema } from '#records/execution.ts';

/** Triggers of runs, and each start. */

const at = z.int().describe('Milliseconds since 1970-01-01 UTC.');

const cronText = z
  .string()
  .min(1)
  .max(256)
  .describe('Cron expression with five fields, or six with seconds: `0 6 * * MON-FRI`.');
const zoneText = z.string().min(1).max(64).describe('Time zone: `Europe/Berlin`.');
const intervalSeconds = z.int().min(1).max(31_536_000).describe('From one start to the next.');
const endStates = ['succeeded', 'failed', 'canceled', 'any'] as const;

/** The trigger of a start. */
export const startingSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('cron').describe('Starts at fixed times.'),
    cron: cronText,
    zone: zoneText.default('UTC'),
  }),
  z.strictObject({ type: z.literal('interval').describe('Starts at a fixed interval.'), seconds: intervalSeconds }),
  z.strictObject({
    type: z.literal('pipeline').describe('Starts after a run of another pipeline.'),
    pipeline: reference('Pipeline').describe('Name of the upstream Pipeline.'),
    state: z.enum(endStates).default('succeeded').describe('Required final state of the upstream run.'),
  }),
  z.strictObject({
    type: z.literal('model').describe('Starts when an alias of a model moves.'),
    model: reference('Model').describe('Name of the Model.'),
    alias: z.string().min(1).max(255).describe('Alias.'),
  }),
  z.strictObject({
    type: z.literal('dataset').describe('Starts when a dataset has a new ready version.'),
    dataset: reference('Dataset').describe('Name of the Dataset.'),
  }),
  z.strictObject({
    type: z.literal('webhook').describe('Starts on a call of `/hooks/NAME` with a Standard Webhooks signature.'),
    secret: reference('Secret').describe('Name of the Secret with the signing key.'),
    key: z.string().min(1).max(128).describe('Key within the Secret.'),
  }),
]);
export type Starting = z.output<typeof startingSchema>;

export const overlaps = ['allow', 'wait', 'forbid', 'replace'] as const;
export type Overlap = (typeof overlaps)[number];
export const overlapText =
  'Overlap policy while `mostAtOnce` runs are active: `wait` for one to end, `allow` one more, `forbid` this one, or `replace` the oldest, which is canceled.';

export const recurrenceSchema = z.strictObject({
  id: z.string().describe('Id; for a Schedule, the uid of the resource.'),
  name: z.string().describe('Display name.'),
  description: z.string().optional().describe('Description.'),
  origin: z.string().describe('Source format: `manifest`, …'),
  pipeline: z.string().optional().describe('Uid of the Pipeline.'),
  pipelineVersion: z.string().optional().describe('Id of the pipeline version; absent: always the newest.'),
  format: z.string().optional().describe('Own document, if it runs no Pipeline.'),
  parameters: z.record(z.string(), executionParameterSchema),
  when: startingSchema,
  startAt: at.optional().describe('Start of validity.'),
  endAt: at.optional().describe('End of validity.'),
  catchUp: z.boolean().describe('Whether every missed start is caught up.'),
  overlap: z.enum(overlaps),
  mostAtOnce: z.int(),
  enabled: z.boolean(),
  priority: z.int(),
  experimentId: z.string().optional().describe('Id of the experiment of its runs.'),
  about: z.record(z.string(), z.unknown()).optional().describe('Client metadata.'),
  nextAt: at.optional().describe('Time of the next run.'),
  createdBy: z.string().describe('`user:ada`, `service:ci`.'),
  createdAt: at,
  updatedAt: at,
});
export type Recurrence = z.infer<typeof recurrenceSchema>;

export const fireSchema = z.strictObject({
  cause: z.string().describe('Trigger: the time or the event. Each trigger counts once.'),
  at: at.describe('Scheduled time.'),
  state: z.enum(['pending', 'started', 'skipped', 'failed']).describe('`skipped`: another run was still active.'),
  run: z.string().optional().describe('Id of the run.'),
  error: z.string().optional().describe('Reason why there is no run.'),
});
export type Fire = z.infer<typeof fireSchema>;
