import { z } from 'zod';
import type { EventType } from '#events/event-type.ts';

const about = {
  job: z.uuid().describe('Id of the job.'),
  kind: z.string().describe('`batch-prediction`, `importance` or `conversion`.'),
  version: z.int().describe('Number of the version of the model.'),
};

/** The subject of each is the Model. */
export const modelJobEvents = {
  modelJobStarted: {
    type: 'model.job.started',
    v: 1,
    description: 'Somebody asked for long work on a version of a model.',
    data: z.strictObject({
      ...about,
      data: z.string().describe('The version of a dataset that is read; empty when none is.'),
      output: z.string().describe('What it makes a version of; empty when it makes none.'),
    }),
  },
  modelJobEnded: {
    type: 'model.job.ended',
    v: 1,
    description: 'Long work on a version of a model has ended.',
    data: z.strictObject({
      ...about,
      state: z.string().describe('`succeeded`, `failed` or `cancelled`.'),
      output: z.string().describe('What it made: `scored@4` or `flights/8`; empty when it made nothing.'),
      reason: z.string().describe('Why it failed; else empty.'),
    }),
  },
} as const satisfies Record<string, EventType>;
