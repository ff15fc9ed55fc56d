import { z } from 'zod';
import type { EventType } from '#events/event-type.ts';

const view = z.string().describe('Name of the FeatureView.');
const id = z.string().describe('Its id.');
const error = z.string().describe('Why.');

/** The subject is the FeatureView, of builds the FeatureService or, without one, the Dataset. */
export const featureEvents = {
  featuresMaterialized: {
    type: 'feature.materialized',
    v: 1,
    description: 'The values of a view were brought online.',
    data: z.strictObject({
      id,
      view,
      start: z.string().optional().describe('Event times from here on; absent: from the first.'),
      end: z.string().describe('Event times up to here.'),
      entities: z.int().describe('Entities in the window.'),
      written: z.int().describe('Those that were newer than what was online.'),
    }),
  },
  featureMaterializationFailed: {
    type: 'feature.materialization.failed',
    v: 1,
    description: 'The values of a view could not be brought online.',
    outcome: 'failed',
    data: z.strictObject({ id, view, error }),
  },
  featuresBuilt: {
    type: 'feature.built',
    v: 1,
    description: 'A version of a dataset was built out of features.',
    data: z.strictObject({
      id,
      dataset: z.string().describe('Name of the Dataset.'),
      version: z.int().describe('Number of the version.'),
      rows: z.int(),
      sources: z.array(z.string()).describe('The versions that were read.'),
    }),
  },
  featureBuildFailed: {
    type: 'feature.build.failed',
    v: 1,
    description: 'A version of a dataset could not be built out of features.',
    outcome: 'failed',
    data: z.strictObject({ id, dataset: z.string().describe('Name of the Dataset.'), error }),
  },
  featuresPushed: {
    type: 'feature.pushed',
    v: 1,
    description: 'Rows were pushed to a view that are kept in its dataset; online pushes are told of by no event.',
    data: z.strictObject({ view, rows: z.int().describe('How many.') }),
  },
} as const satisfies Record<string, EventType>;
