import { z } from 'zod';
import type { EventType } from '#events/event-type.ts';

const data = z.strictObject({
  format: z.string().describe('Whose words it is in.'),
  type: z.string().describe('What it is among the things of that format.'),
  name: z.string().describe('Its name.'),
});

export const definitionEvents = {
  definitionWritten: {
    type: 'definition.written',
    v: 1,
    description: 'A client with words of its own defined something, or changed what it had defined.',
    data,
  },
  definitionDeleted: {
    type: 'definition.deleted',
    v: 1,
    description: 'What a client with words of its own had defined was forgotten.',
    data,
  },
} as const satisfies Record<string, EventType>;
