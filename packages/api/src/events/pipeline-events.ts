import { z } from 'zod';
import type { EventType } from '#events/event-type.ts';

/** The subject of each is the Pipeline. */
export const pipelineEvents = {
  pipelineVersionCreated: {
    type: 'pipeline.version.created',
    v: 1,
    description: 'A pipeline got a new version.',
    data: z.strictObject({
      version: z.int().describe('Its number.'),
      format: z.string().describe('What its document is.'),
    }),
  },
  pipelineVersionDeleted: {
    type: 'pipeline.version.deleted',
    v: 1,
    description: 'A version of a pipeline was deleted.',
    data: z.strictObject({ version: z.int().describe('Its number.') }),
  },
} as const satisfies Record<string, EventType>;
