import { z } from 'zod';
import type { EventType } from '#events/event-type.ts';

/** The subject of each is the run. What happens to its steps is told by the run itself. */
export const executionEvents = {
  executionSubmitted: {
    type: 'execution.submitted',
    v: 1,
    description: 'A run of commands was asked for.',
    data: z.strictObject({
      tasks: z.int().describe('How many tasks it has on the outside.'),
      retryOf: z.string().optional().describe('The run that it does again.'),
    }),
  },
  executionCancelAsked: {
    type: 'execution.cancel.requested',
    v: 1,
    description: 'Somebody wants a run ended.',
    data: z.strictObject({}),
  },
  executionFinished: {
    type: 'execution.finished',
    v: 1,
    description: 'A run has ended.',
    data: z.strictObject({ state: z.enum(['succeeded', 'failed', 'cancelled']).describe('How.') }),
  },
  executionDeleted: {
    type: 'execution.deleted',
    v: 1,
    description: 'A run was deleted with its files and logs.',
    data: z.strictObject({}),
  },
} as const satisfies Record<string, EventType>;
