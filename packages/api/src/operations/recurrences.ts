import { z } from 'zod';
import { nameSchema } from '#manifest.ts';
import { defineOperation, type HttpBinding, type Operation } from '#operations/operation.ts';
import { executionParameterSchema } from '#records/execution.ts';
import { fireSchema, overlaps, overlapText, recurrenceSchema, startingSchema } from '#records/recurrence.ts';

const recurrences = '/api/v1/recurrences' as const;
const ofRecurrence = () => ({ kind: 'Recurrence' });
const RUNNERS = ['operator', 'editor'] as const;
const id = z.string().min(1).max(64).describe('Id; for a Schedule, the uid of the resource.');
const at = z.int().min(0).max(8_640_000_000_000_000);
const paging = {
  limit: z.int().min(1).max(1000).default(100).describe('Maximum items per page.'),
  cursor: z.string().max(4096).optional().describe('`nextCursor` of the previous page.'),
};
const page = <Item extends z.ZodType>(item: Item) =>
  z.strictObject({ items: z.array(item), nextCursor: z.string().optional() });
const http = (
  method: HttpBinding['method'],
  path: HttpBinding['path'],
  more: Partial<HttpBinding> = {},
): HttpBinding => ({ method, path, status: 200, ...more });

export const createRecurrenceOperation = defineOperation({
  name: 'recurrence.create',
  action: 'recurrence:write',
  mode: 'write',
  scope: 'project',
  summary: 'Creates a recurring run, in addition to Schedules of manifests.',
  input: z.strictObject({
    name: nameSchema.describe('Name. It need not be unique.'),
    description: z.string().max(5000).optional().describe('Description.'),
    pipeline: nameSchema.optional().describe('Name of the Pipeline; alternatively `format` and `document`.'),
    version: z.string().min(1).max(256).optional().describe('Version: number, name or id. Default: always the newest.'),
    format: z.string().min(1).max(32).optional().describe('Format of the document.'),
    document: z.unknown().optional().describe('Pipeline document.'),
    parameters: z
      .record(z.string().min(1).max(256), executionParameterSchema)
      .default({})
      .describe('Parameter values.'),
    when: startingSchema.describe('Trigger.'),
    startAt: at.optional().describe('Start of validity; milliseconds since 1970-01-01 UTC.'),
    endAt: at.optional().describe('End of validity.'),
    catchUp: z.boolean().default(false).describe('Whether every missed start is caught up.'),
    overlap: z.enum(overlaps).default('wait').describe(overlapText),
    mostAtOnce: z.int().min(1).max(1000).default(1).describe('Maximum concurrent runs.'),
    enabled: z.boolean().default(true).describe('Whether it is enabled.'),
    priority: z.int().min(-1000).max(1000).default(0).describe('Priority of the runs. Higher values run first.'),
    experimentId: z.string().min(1).max(256).optional().describe('Id of the experiment of its runs.'),
    about: z
      .record(z.string().max(256), z.unknown())
      .optional()
      .describe('Metadata, stored with it and with its runs.'),
  }),
  output: recurrenceSchema,
  target: ofRecurrence,
  roles: RUNNERS,
  http: http('POST', recurrences, { status: 201 }),
});
export type CreateRecurrenceInput = z.output<typeof createRecurrenceOperation.input>;

export const readRecurrenceOperation = defineOperation({
  name: 'recurrence.get',
  action: 'recurrence:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns a recurring run or Schedule.',
  input: z.strictObject({ id }),
  output: recurrenceSchema,
  target: ofRecurrence,
  http: http('GET', `${recurrences}/:id`),
});

export const listRecurrencesOperation = defineOperation({
  name: 'recurrence.list',
  action: 'recurrence:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists recurring runs and Schedules, newest first.',
  input: z.strictObject({
    name: z.string().max(256).optional().describe('Only with this name.'),
    experimentId: z.string().max(256).optional().describe('Only of this experiment.'),
    ...paging,
  }),
  output: page(recurrenceSchema),
  target: ofRecurrence,
  http: http('GET', recurrences, { query: ['name', 'experimentId', 'limit', 'cursor'] }),
});

export const enableRecurrenceOperation = defineOperation({
  name: 'recurrence.enable',
  action: 'recurrence:write',
  mode: 'write',
  scope: 'project',
  summary: 'Enables or disables a recurring run. Schedules are suspended in their manifest.',
  input: z.strictObject({ id, enabled: z.boolean() }),
  output: recurrenceSchema,
  target: ofRecurrence,
  roles: RUNNERS,
  http: http('POST', `${recurrences}/:id/enable`),
});

export const deleteRecurrenceOperation = defineOperation({
  name: 'recurrence.delete',
  action: 'recurrence:delete',
  mode: 'write',
  scope: 'project',
  summary: 'Deletes a recurring run; its pipeline runs stay. A Schedule is deleted as a resource.',
  input: z.strictObject({ id }),
  output: z.strictObject({}),
  target: ofRecurrence,
  roles: RUNNERS,
  http: http('DELETE', `${recurrences}/:id`),
});

export const listFiresOperation = defineOperation({
  name: 'recurrence.fires',
  action: 'recurrence:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists the starts of a recurring run, latest first.',
  input: z.strictObject({ id, ...paging }),
  output: page(fireSchema),
  target: ofRecurrence,
  http: http('GET', `${recurrences}/:id/fires`, { query: ['limit', 'cursor'] }),
});

export const listTimesOperation = defineOperation({
  name: 'recurrence.times',
  action: 'recurrence:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns the next start times.',
  input: z.strictObject({
    id,
    after: at.optional().describe('Start; milliseconds since 1970-01-01 UTC; default: now.'),
    count: z.int().min(1).max(100).default(10).describe('Number.'),
  }),
  output: z.strictObject({ times: z.array(z.int()).describe('Milliseconds since 1970-01-01 UTC.') }),
  target: ofRecurrence,
  http: http('GET', `${recurrences}/:id/times`, { query: ['after', 'count'] }),
});

export const backfillRecurrenceOperation = defineOperation({
  name: 'recurrence.backfill',
  action: 'recurrence:run',
  mode: 'write',
  scope: 'project',
  summary: 'Backfills a range of past start times. Times that already have a run are skipped.',
  input: z.strictObject({
    id,
    from: at.describe('Milliseconds since 1970-01-01 UTC.'),
    to: at.describe('Inclusive bound; milliseconds since 1970-01-01 UTC.'),
  }),
  output: z.strictObject({ times: z.array(z.int()).describe('Start times that get a run.') }),
  target: ofRecurrence,
  roles: RUNNERS,
  http: http('POST', `${recurrences}/:id/backfill`),
});

export const callScheduleOperation = defineOperation({
  name: 'schedule.call',
  action: 'schedule:call',
  mode: 'write',
  scope: 'project',
  summary: 'Starts a pipeline run of a Schedule with an external trigger, authenticated by a signature.',
  input: z.strictObject({
    name: nameSchema.describe('Name of the Schedule.'),
    id: z.string().min(1).max(256).describe('Id of the call. A repeated id starts no second run.'),
    timestamp: z.int().min(0).describe('Time of the signature; seconds since 1970-01-01 UTC.'),
    signature: z.string().min(1).max(4096).describe('`v1,…`: HMAC-SHA256 of `id.timestamp.body`, in base64.'),
    body: z.string().max(65_536).describe('Body. Fields of a JSON object can be used in the parameters of the run.'),
  }),
  output: z.strictObject({
    accepted: z.boolean().describe('Whether the call started a run. False: the id was already used.'),
  }),
  target: ({ name }) => ({ kind: 'Schedule', name }),
  public: true,
  http: http('POST', '/api/v1/schedules/:name/calls', { status: 202 }),
});

export const recurrenceOperations: readonly Operation[] = [
  createRecurrenceOperation,
  readRecurrenceOperation,
  listRecurrencesOperation,
  enableRecurrenceOperation,
  deleteRecurrenceOperation,
  listFiresOperation,
  listTimesOperation,
  backfillRecurrenceOperation,
  callScheduleOperation,
];
