import { z } from 'zod';
import type { EventType } from '#events/event-type.ts';

const erasure = {
  erasure: z.uuid().describe('Id of the erasure.'),
  column: z.string().describe('Key column.'),
};

/** The subject of each is the Endpoint. */
export const predictionEvents = {
  predictionsLabeled: {
    type: 'predictions.labeled',
    v: 1,
    description: 'Ground truth of predictions was recorded.',
    data: z.strictObject({
      labels: z.int().describe('Number of labels.'),
      source: z.string().describe('Source of the labels, as given by the client.'),
    }),
  },
  erasureRequested: {
    type: 'predictions.erasure.requested',
    v: 1,
    description: 'The erasure of prediction values was requested.',
    data: z.strictObject({ ...erasure, reason: z.string().describe('Reason that the user entered.') }),
  },
  predictionsErased: {
    type: 'predictions.erased',
    v: 1,
    description: 'Prediction values were erased.',
    data: z.strictObject({
      ...erasure,
      files: z.int().describe('Number of scanned files.'),
      rows: z.int().describe('Number of erased rows.'),
    }),
  },
} as const satisfies Record<string, EventType>;
