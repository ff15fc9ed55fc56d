import { z } from 'zod';
import type { EventType } from '#events/event-type.ts';

const view = z.string().describe('Name of the FeatureView.');
const id = z.string().describe('Id.');
const error = z.string().describe('Why.');

/** The subject is the FeatureView, of builds the FeatureService or, without one, the Dataset. */
export const featureEvents = {
  featuresMaterialized: {
    type: 'feature.materialized',
    v: 1,
    description: 'The values of a feature view were materialized.',
    data: z.strictObject({
      id,
      view,
      start: z.string().optional().describe('Start of event times; absent: from the beginning.'),
      end: z.string().describe('End of event times.'),
      entities: z.int().describe('Number of entities.'),
      written: z.int().describe('Number of entities with newer values.'),
    }),
  },
  featureMaterializationFailed: {
    type: 'feature.materialization.failed',
    v: 1,
    description: 'The materialization of a feature view failed.',
    outcome: 'failed',
    data: z.strictObject({ id, view, error }),
  },
  featuresBuilt: {
    type: 'feature.built',
    v: 1,
    description: 'A dataset version was built from features.',
    data: z.strictObject({
      id,
      dataset: z.string().describe('Name of the Dataset.'),
      version: z.int().describe('Number of the version.'),
      rows: z.int(),
      sources: z.array(z.string()).describe('Source versions.'),
    }),
  },
  featureBuildFailed: {
    type: 'feature.build.failed',
    v: 1,
    description: 'Building a dataset version from features failed.',
    outcome: 'failed',
    data: z.strictObject({ id, dataset: z.string().describe('Name of the Dataset.'), error }),
  },
  featuresPushed: {
    type: 'feature.pushed',
    v: 1,
    description: 'Rows were pushed to the dataset of a feature view. Online pushes emit no event.',
    data: z.strictObject({ view, rows: z.int().describe('Number of rows.') }),
  },
} as const satisfies Record<string, EventType>;
