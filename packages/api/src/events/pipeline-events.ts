import { z } from 'zod';
import type { EventType } from '#events/event-type.ts';

/** The subject of each is the Pipeline. */
export const pipelineEvents = {
  pipelineVersionCreated: {
    type: 'pipeline.version.created',
    v: 1,
    description: 'A pipeline version was created.',
    data: z.strictObject({
      version: z.int().describe('Version number.'),
      format: z.string().describe('Format of the document.'),
    }),
  },
  pipelineVersionDeleted: {
    type: 'pipeline.version.deleted',
    v: 1,
    description: 'A pipeline version was deleted.',
    data: z.strictObject({ version: z.int().describe('Version number.') }),
  },
} as const satisfies Record<string, EventType>;
