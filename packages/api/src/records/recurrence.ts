import { z } from 'zod';
import { reference } from '#manifest.ts';
import { executionParameterSchema } from '#records/execution.ts';

/** What starts runs by itself, and each time it did. */

const at = z.int().describe('Milliseconds since 1970-01-01 UTC.');

const cronText = z.string().min(1).max(256).describe('Five fields, or six with seconds: `0 6 * * MON-FRI`.');
const zoneText = z.string().min(1).max(64).describe('Whose clock counts: `Europe/Berlin`.');
const intervalSeconds = z.int().min(1).max(31_536_000).describe('From one start to the next.');
const endStates = ['succeeded', 'failed', 'canceled', 'any'] as const;

/** When a run starts. */
export const startingSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('cron').describe('At times of the clock.'),
    cron: cronText,
    zone: zoneText.default('UTC'),
  }),
  z.strictObject({ type: z.literal('interval').describe('Again and again.'), seconds: intervalSeconds }),
  z.strictObject({
    type: z.literal('pipeline').describe('When a run of another pipeline has ended.'),
    pipeline: reference('Pipeline').describe('Name of the other Pipeline.'),
    state: z.enum(endStates).default('succeeded').describe('How it must have ended.'),
  }),
  z.strictObject({
    type: z.literal('model').describe('When an alias of a model moves.'),
    model: reference('Model').describe('Name of the Model.'),
    alias: z.string().min(1).max(255).describe('The alias.'),
  }),
  z.strictObject({
    type: z.literal('dataset').describe('When a dataset has a version that may be used.'),
    dataset: reference('Dataset').describe('Name of the Dataset.'),
  }),
  z.strictObject({
    type: z.literal('webhook').describe('On a call of `/hooks/NAME`, signed according to Standard Webhooks.'),
    secret: reference('Secret').describe('Name of the Secret whose value signs the calls.'),
    key: z.string().min(1).max(128).describe('Which of its values.'),
  }),
]);
export type Starting = z.output<typeof startingSchema>;

export const overlaps = ['allow', 'wait', 'forbid', 'replace'] as const;
export type Overlap = (typeof overlaps)[number];
export const overlapText =
  'While as many runs of it as `mostAtOnce` are going: `wait` for one to end, `allow` one more, `forbid` this one, or `replace` the oldest, which is canceled.';

export const recurrenceSchema = z.strictObject({
  id: z.string().describe('Its id; of a Schedule, the uid of the resource.'),
  name: z.string().describe('Display name.'),
  description: z.string().optional().describe('Description.'),
  origin: z.string().describe('Whose words made it: `manifest`, …'),
  pipeline: z.string().optional().describe('Uid of the Pipeline.'),
  pipelineVersion: z.string().optional().describe('Id of the version; absent: always the newest.'),
  format: z.string().optional().describe('What its own document is, where it runs no Pipeline.'),
  parameters: z.record(z.string(), executionParameterSchema),
  when: startingSchema,
  startAt: at.optional().describe('Not before.'),
  endAt: at.optional().describe('Not after.'),
  catchUp: z.boolean().describe('Catch up on every missed start.'),
  overlap: z.enum(overlaps),
  mostAtOnce: z.int(),
  enabled: z.boolean(),
  priority: z.int(),
  experimentId: z.string().optional().describe('The experiment that its runs belong to.'),
  about: z.record(z.string(), z.unknown()).optional().describe('Client metadata.'),
  nextAt: at.optional().describe('When it starts a run next.'),
  createdBy: z.string().describe('`user:ada`, `service:ci`.'),
  createdAt: at,
  updatedAt: at,
});
export type Recurrence = z.infer<typeof recurrenceSchema>;

export const fireSchema = z.strictObject({
  cause: z.string().describe('The time, or what happened; each is answered once.'),
  at: at.describe('The time for which it is.'),
  state: z.enum(['waiting', 'started', 'skipped', 'failed']).describe('`skipped`: another run was still going.'),
  run: z.string().optional().describe('Id of the run.'),
  error: z.string().optional().describe('Why there is none.'),
});
export type Fire = z.infer<typeof fireSchema>;
