import { z } from 'zod';
import type { EventType } from '#events/event-type.ts';

/** The subject of each is the run, or the target. The run itself reports changes of its steps. */
export const executionEvents = {
  executionSubmitted: {
    type: 'execution.submitted',
    v: 1,
    description: 'A job or pipeline run was submitted.',
    data: z.strictObject({
      tasks: z.int().describe('Number of top-level steps.'),
      retryOf: z.string().optional().describe('The job that it retries.'),
    }),
  },
  executionCancelRequested: {
    type: 'execution.cancel.requested',
    v: 1,
    description: 'The cancellation of a job was requested.',
    data: z.strictObject({}),
  },
  executionFinished: {
    type: 'execution.finished',
    v: 1,
    description: 'A job or pipeline run finished.',
    data: z.strictObject({ state: z.enum(['succeeded', 'failed', 'canceled']).describe('How.') }),
  },
  executionDeleted: {
    type: 'execution.deleted',
    v: 1,
    description: 'A job was deleted with its files and logs.',
    data: z.strictObject({}),
  },
  targetProbed: {
    type: 'target.probed',
    v: 1,
    description: 'A compute target was tested on request.',
    data: z.strictObject({ ready: z.boolean().describe('Whether steps can run there.') }),
  },
} as const satisfies Record<string, EventType>;
