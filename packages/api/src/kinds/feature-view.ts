import { z } from 'zod';
import { DURATION } from '#features/duration.ts';
import { valueTypes } from '#features/value-type.ts';
import { baseStatus, nameSchema, reference, type KindSpec } from '#manifest.ts';

const column = z.string().min(1).max(256);
/** `view:feature` and `view__feature` name one: neither mark may stand in it. */
const featureName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,199}$/, {
  message: 'letters, digits and `_.-`, not starting with a digit, at most 200',
});

const feature = z.strictObject({
  name: featureName.describe('Unique in the view.'),
  type: z.enum(valueTypes).describe('What its values are.'),
  expression: z
    .string()
    .min(1)
    .max(10_000)
    .optional()
    .describe('Of a view with `source.type: onDemand`: how it is worked out, in SQL.'),
  description: z.string().max(5000).optional().describe('What it says.'),
  tags: z.record(z.string().min(1).max(256), z.string().max(5000)).optional().describe('Whatever else is known of it.'),
});

const dataset = reference('Dataset').describe('Name of the Dataset.');

const source = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('dataset').describe('The rows of a Dataset.'),
    dataset,
    version: z.string().min(1).max(256).default('latest').describe('`3`, `latest`, a tag or a day.'),
  }),
  z.strictObject({
    type: z.literal('sql').describe('What a query makes of Datasets.'),
    sql: z.string().min(1).max(100_000).describe('One `select` of DuckDB; each Dataset is a table of its name.'),
    datasets: z
      .array(reference('Dataset'))
      .min(1)
      .max(50)
      .describe('The Datasets that it reads, in their newest version.'),
  }),
  z.strictObject({
    type: z.literal('push').describe('Whatever is pushed. Such a view has values online only.'),
  }),
  z.strictObject({
    type: z.literal('onDemand').describe('Worked out of other features whenever they are read.'),
    views: z
      .array(reference('FeatureView'))
      .max(50)
      .default([])
      .describe('The views whose features the expressions use.'),
    request: z
      .array(
        z.strictObject({
          name: featureName.describe('What it is called in a reading.'),
          type: z.enum(valueTypes).describe('Of its values.'),
        }),
      )
      .max(200)
      .default([])
      .describe('What whoever reads must give beside the join keys.'),
  }),
]);

export const featureViewSpec = z.strictObject({
  description: z.string().max(5000).optional().describe('What its features say, in a sentence or two.'),
  owner: reference('Team').optional().describe('The Team that answers for it.'),
  tags: z.record(z.string().min(1).max(256), z.string().max(5000)).optional().describe('Whatever else is known of it.'),
  entities: z
    .array(reference('Entity'))
    .max(16)
    .default([])
    .describe('What its features are of; several together make one key. None: there is one row for all.'),
  source: source.describe('Where its values come from.'),
  eventTime: column.optional().describe('The column that says since when a row is true.'),
  createdTime: column
    .optional()
    .describe('The column that says when a row was written: of two for the same moment, the later one counts.'),
  ttl: z
    .string()
    .regex(DURATION, { message: 'a number and a unit: `10d`, `36h`, `1h 30m`, `250ms`' })
    .default('0s')
    .describe('How old a value may be to count. `0s`: any age.'),
  features: z.array(feature).min(1).max(5000).describe('Its features.'),
  columns: z
    .record(z.string().min(1).max(256), column)
    .optional()
    .describe('Where a join key or a feature has another name in the source: that name.'),
  online: z.boolean().default(true).describe('Its values can be read online, once they were materialized or pushed.'),
  refresh: z
    .strictObject({
      every: z
        .string()
        .regex(DURATION, { message: 'a number and a unit: `1h`, `15m`' })
        .describe('From the end of one materialization to the next; at least a minute.'),
    })
    .optional()
    .describe('Brings what is new online by itself.'),
});
export type FeatureViewSpec = z.input<typeof featureViewSpec>;
export type FeatureViewSource = z.output<typeof source>;

export const featureViewKind = {
  kind: 'FeatureView',
  plural: 'featureviews',
  shortNames: ['fv'],
  scope: 'project',
  description:
    'Features of some entity, where they come from and how long they are true. Read as they were at any moment, or as they are now.',
  name: nameSchema,
  spec: featureViewSpec,
  status: z.strictObject({
    ...baseStatus,
    materializedTo: z.string().optional().describe('Up to which event time its values are online; RFC 3339, UTC.'),
    materializedAt: z.string().optional().describe('When that was done; RFC 3339, UTC.'),
  }),
  actions: [],
  columns: [
    { title: 'Entities', path: 'spec.entities' },
    { title: 'Source', path: 'spec.source.type' },
    { title: 'TTL', path: 'spec.ttl' },
    { title: 'Online to', path: 'status.materializedTo' },
    { title: 'Description', path: 'spec.description', wide: true },
  ],
  example: `apiVersion: dais.dev/v1
kind: FeatureView
metadata:
  name: airport-delays
spec:
  description: How late flights landed at an airport, of late
  entities: [airport]
  source:
    type: dataset
    dataset: flights
  eventTime: landed_at
  ttl: 6h
  features:
    - name: delay_minutes
      type: float64
      description: Of the last flight that landed
    - name: taxi_minutes
      type: float64
  refresh:
    every: 1h
`,
} as const satisfies KindSpec;
