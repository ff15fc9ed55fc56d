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
    description: 'A batch job on a model version was started.',
    data: z.strictObject({
      ...about,
      data: z.string().describe('Input dataset version; empty if none.'),
      output: z.string().describe('Output dataset or model; empty if none.'),
    }),
  },
  modelJobEnded: {
    type: 'model.job.ended',
    v: 1,
    description: 'A batch job on a model version finished.',
    data: z.strictObject({
      ...about,
      state: z.string().describe('`succeeded`, `failed` or `canceled`.'),
      output: z.string().describe('Created version: `scored@4` or `flights/8`; empty if none.'),
      reason: z.string().describe('Error message; empty on success.'),
    }),
  },
} as const satisfies Record<string, EventType>;
