import { z } from 'zod';
import type { EventType } from '#events/event-type.ts';

const dataset = z.string().describe('Id of the evaluation dataset.');
const scorer = z.string().describe('Name of the scorer.');
const experiment = z.string().describe('Id of the experiment.');

/** Events of evaluation datasets and scorers as a whole; new records emit no events. */
export const evaluationEvents = {
  evaluationDatasetCreated: {
    type: 'evaluation.dataset.created',
    v: 1,
    description: 'An evaluation dataset was created.',
    data: z.strictObject({ dataset }),
  },
  evaluationDatasetDeleted: {
    type: 'evaluation.dataset.deleted',
    v: 1,
    description: 'An evaluation dataset was deleted with its records.',
    data: z.strictObject({ dataset, records: z.int().describe('Number of deleted records.') }),
  },
  scorerRegistered: {
    type: 'scorer.registered',
    v: 1,
    description: 'A scorer version was registered.',
    data: z.strictObject({ scorer, experiment, version: z.int().describe('Version number.') }),
  },
  scorerDeleted: {
    type: 'scorer.deleted',
    v: 1,
    description: 'Versions of a scorer were deleted.',
    data: z.strictObject({ scorer, experiment, versions: z.int().describe('Number of versions.') }),
  },
} as const satisfies Record<string, EventType>;
