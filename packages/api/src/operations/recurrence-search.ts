import { z } from 'zod';
import { defineOperation, type Operation } from '#operations/operation.ts';
import { recordSearchInput } from '#operations/record-search.ts';
import { recurrenceSchema } from '#records/recurrence.ts';

/** Limit of a search's count. */
export const RECURRENCES_COUNTED = 10_000;

const recurrenceFields = [
  'id',
  'name',
  'description',
  'origin',
  'pipeline',
  'experimentId',
  'enabled',
  'createdAt',
  'updatedAt',
] as const;

export const searchRecurrencesOperation = defineOperation({
  name: 'recurrence.search',
  action: 'recurrence:read',
  mode: 'read',
  scope: 'project',
  summary: 'Searches recurring runs by name and experiment.',
  input: recordSearchInput(recurrenceFields),
  output: z.strictObject({
    items: z.array(recurrenceSchema),
    nextCursor: z.string().optional(),
    total: z.int().optional().describe(`How many there are; it ends at ${RECURRENCES_COUNTED}.`),
  }),
  target: () => ({ kind: 'Recurrence' }),
  http: { method: 'POST', path: '/api/v1/search/recurrences', status: 200 },
});

export const recurrenceSearchOperations: readonly Operation[] = [searchRecurrencesOperation];
