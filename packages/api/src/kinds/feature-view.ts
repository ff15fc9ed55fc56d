import { z } from 'zod';
import { DURATION } from '#features/duration.ts';
import { valueTypes } from '#features/value-type.ts';
import { baseStatus, nameSchema, reference, type KindSpec } from '#manifest.ts';

const column = z.string().min(1).max(256);
/** `view:feature` and `view__feature` name one: names cannot contain either separator. */
const featureName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,199}$/, {
  message: 'letters, digits and `_.-`, not starting with a digit, at most 200',
});

const feature = z.strictObject({
  name: featureName.describe('Unique in the view.'),
  type: z.enum(valueTypes).describe('Type of the feature.'),
  expression: z
    .string()
    .min(1)
    .max(10_000)
    .optional()
    .describe('SQL expression, for views with `source.type: onDemand`.'),
  description: z.string().max(5000).optional().describe('Description of the feature.'),
  tags: z.record(z.string().min(1).max(256), z.string().max(5000)).optional().describe('Free-form metadata.'),
});

const dataset = reference('Dataset').describe('Name of the Dataset.');

const source = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('dataset').describe('The rows of a Dataset.'),
    dataset,
    version: z.string().min(1).max(256).default('latest').describe('`3`, `latest`, a tag or a day.'),
  }),
  z.strictObject({
    type: z.literal('sql').describe('A query over Datasets.'),
    sql: z.string().min(1).max(100_000).describe('One `select` of DuckDB; each Dataset is a table of its name.'),
    datasets: z
      .array(reference('Dataset'))
      .min(1)
      .max(50)
      .describe('Datasets that the query reads, in their latest version.'),
  }),
  z.strictObject({
    type: z.literal('push').describe('Pushed values, online only.'),
  }),
  z.strictObject({
    type: z.literal('onDemand').describe('Computed from other features on read.'),
    views: z.array(reference('FeatureView')).max(50).default([]).describe('Feature views that the expressions use.'),
    request: z
      .array(
        z.strictObject({
          name: featureName.describe('Name in requests.'),
          type: z.enum(valueTypes).describe('Type of the field.'),
        }),
      )
      .max(200)
      .default([])
      .describe('Request fields that readers must pass in addition to join keys.'),
  }),
]);

export const featureViewSpec = z.strictObject({
  description: z.string().max(5000).optional().describe('Description.'),
  owner: reference('Team').optional().describe('Owner team.'),
  tags: z.record(z.string().min(1).max(256), z.string().max(5000)).optional().describe('Free-form metadata.'),
  entities: z
    .array(reference('Entity'))
    .max(16)
    .default([])
    .describe('Entities of the view; several form a composite key. None: one global row.'),
  source: source.describe('Source of the values.'),
  eventTime: column.optional().describe('Event time column.'),
  createdTime: column
    .optional()
    .describe('Created time column. Of two rows with the same event time, the later one is used.'),
  ttl: z
    .string()
    .regex(DURATION, { message: 'a number and a unit: `10d`, `36h`, `1h 30m`, `250ms`' })
    .default('0s')
    .describe('Time to live of values. `0s`: unlimited.'),
  features: z.array(feature).min(1).max(5000).describe('Features of the view.'),
  columns: z
    .record(z.string().min(1).max(256), column)
    .optional()
    .describe('Mapping of join keys and features to column names of the source.'),
  online: z.boolean().default(true).describe('Whether values are served online after they are materialized or pushed.'),
  refresh: z
    .strictObject({
      every: z
        .string()
        .regex(DURATION, { message: 'a number and a unit: `1h`, `15m`' })
        .describe('Interval between materializations; at least one minute.'),
    })
    .optional()
    .describe('Automatic materialization of new values.'),
});
export type FeatureViewSpec = z.input<typeof featureViewSpec>;
export type FeatureViewSource = z.output<typeof source>;

export const featureViewKind = {
  kind: 'FeatureView',
  plural: 'featureviews',
  shortNames: ['fv'],
  scope: 'project',
  description: 'Features of an entity with their source and time to live, for point-in-time joins and online reads.',
  name: nameSchema,
  spec: featureViewSpec,
  status: z.strictObject({
    ...baseStatus,
    materializedTo: z.string().optional().describe('Event time up to which values are materialized; RFC 3339, UTC.'),
    materializedAt: z.string().optional().describe('Time of the last materialization; RFC 3339, UTC.'),
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
