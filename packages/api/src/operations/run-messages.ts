import { z } from 'zod';
import { defineOperation, type Operation } from '#operations/operation.ts';
import { logMessageSchema, LOG_SEVERITIES } from '#records/run-message.ts';

const path = '/api/v1/tracking/runs/:id/messages' as const;
const runId = z
  .string()
  .regex(/^[A-Za-z0-9][\w-]{0,255}$/)
  .describe('Id of the run.');
const ofRun = () => ({ kind: 'Run' });

/** Maximum number of log messages in one request. */
export const MESSAGES_AT_ONCE = 1000;
/** Maximum number of log messages of a run. */
export const MESSAGES_PER_RUN = 1_000_000;

export const addRunMessagesOperation = defineOperation({
  name: 'run.addMessages',
  action: 'run:log',
  mode: 'write',
  scope: 'project',
  summary: 'Adds log messages to a run. Equal messages with the same time are stored once.',
  input: z.strictObject({
    id: runId,
    messages: z
      .array(logMessageSchema)
      .max(MESSAGES_AT_ONCE)
      .describe(`A run keeps at most ${MESSAGES_PER_RUN.toLocaleString('en')} messages.`),
  }),
  output: z.strictObject({ added: z.int().describe('Number of messages that the run did not have.') }),
  target: ofRun,
  roles: ['operator', 'editor'],
  http: { method: 'POST', path, status: 200 },
});

export const listRunMessagesOperation = defineOperation({
  name: 'run.messages',
  action: 'run:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists the log messages of a run by time.',
  input: z.strictObject({
    id: runId,
    severity: z.enum(LOG_SEVERITIES).optional().describe('Only messages of at least this severity.'),
    contains: z.string().min(1).max(256).optional().describe('Only messages that contain this text, case-insensitive.'),
    order: z.enum(['asc', 'desc']).default('asc').describe('`desc`: the newest message is the first.'),
    limit: z.int().min(1).max(1000).default(100).describe('Maximum items per page.'),
    cursor: z.string().max(4096).optional().describe('`nextCursor` of the previous page.'),
  }),
  output: z.strictObject({ items: z.array(logMessageSchema), nextCursor: z.string().optional() }),
  target: ofRun,
  http: { method: 'GET', path, status: 200, query: ['severity', 'contains', 'order', 'limit', 'cursor'] },
});

export const runMessageOperations: readonly Operation[] = [addRunMessagesOperation, listRunMessagesOperation];
