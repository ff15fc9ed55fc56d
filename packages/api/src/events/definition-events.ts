import { z } from 'zod';
import type { EventType } from '#events/event-type.ts';

const data = z.strictObject({
  format: z.string().describe('Format of the definition.'),
  type: z.string().describe('Type within the format.'),
  name: z.string().describe('Name.'),
});

export const definitionEvents = {
  definitionWritten: {
    type: 'definition.written',
    v: 1,
    description: 'A client created or changed a definition in its own format.',
    data,
  },
  definitionDeleted: {
    type: 'definition.deleted',
    v: 1,
    description: 'A definition in the format of a client was deleted.',
    data,
  },
} as const satisfies Record<string, EventType>;
