import { z } from 'zod';
import type { EventType } from '#events/event-type.ts';

const erasure = {
  erasure: z.uuid().describe('Id of the erasure.'),
  column: z.string().describe('The column that was looked at.'),
};

/** The subject of each is the Endpoint. */
export const predictionEvents = {
  predictionsLabelled: {
    type: 'predictions.labelled',
    v: 1,
    description: 'Somebody told what was true of predictions.',
    data: z.strictObject({
      labels: z.int().describe('How many labels.'),
      source: z.string().describe('Where they come from, in the words of whoever told them.'),
    }),
  },
  erasureAsked: {
    type: 'predictions.erasure.asked',
    v: 1,
    description: 'Somebody asked that values be erased from predictions.',
    data: z.strictObject({ ...erasure, reason: z.string().describe('Why, as they said.') }),
  },
  predictionsErased: {
    type: 'predictions.erased',
    v: 1,
    description: 'Values were erased from predictions.',
    data: z.strictObject({
      ...erasure,
      files: z.int().describe('Files that were looked at.'),
      rows: z.int().describe('Rows whose values are gone.'),
    }),
  },
} as const satisfies Record<string, EventType>;
