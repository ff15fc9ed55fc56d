import { z } from 'zod';
import { valueTypes } from '#features/value-type.ts';

/** Features: reads and materializations. */

export const moment = z.iso
  .datetime({ offset: true })
  .describe('RFC 3339, with up to six digits of a second: `2026-11-01T06:00:00.000001Z`.');

/** Status of one feature of one entity. */
export const featureStatuses = ['PRESENT', 'NULL_VALUE', 'NOT_FOUND', 'OUTSIDE_MAX_AGE'] as const;
export type FeatureStatus = (typeof featureStatuses)[number];

const featureStatusText =
  '`PRESENT`; `NULL_VALUE`: the row has no value; `NOT_FOUND`: there is no row; `OUTSIDE_MAX_AGE`: the row is older than the TTL of the view.';

export const featureColumnSchema = z.strictObject({
  name: z.string().describe('`feature`, or `view__feature` if requested.'),
  view: z.string().describe('Name of the feature view.'),
  feature: z.string().describe('Name in the feature view.'),
  type: z.enum(valueTypes),
  values: z
    .array(z.unknown())
    .describe('One value per entity, in the requested order; null unless `PRESENT`. Integers beyond 2^53 are strings.'),
  statuses: z.array(z.enum(featureStatuses)).describe(featureStatusText),
  eventTimes: z.array(z.string().nullable()).describe('Event time of each value; null if there is no row.'),
});
export type FeatureColumn = z.infer<typeof featureColumnSchema>;

export const onlineFeaturesSchema = z.strictObject({
  entities: z.record(z.string(), z.array(z.unknown())).describe('Join keys and fields of the request, as given.'),
  features: z.array(featureColumnSchema).describe('Features by view, in the requested order.'),
});
export type OnlineFeatures = z.infer<typeof onlineFeaturesSchema>;

export const featureRowsSchema = z.strictObject({
  columns: z.array(z.strictObject({ name: z.string(), type: z.string() })).describe('Columns in order.'),
  rows: z.record(z.string(), z.array(z.unknown())).describe('Columns with their values.'),
  count: z.int().describe('Number of rows.'),
});
export type FeatureRows = z.infer<typeof featureRowsSchema>;

const featureWorkStates = ['pending', 'running', 'succeeded', 'failed', 'canceled'] as const;
const state = z.enum(featureWorkStates);

export const materializationSchema = z.strictObject({
  id: z.string().describe('Id.'),
  view: z.string().describe('Name of the FeatureView.'),
  mode: z.enum(['full', 'incremental']).describe('`incremental`: from the end of the last materialization.'),
  state,
  start: z.string().optional().describe('Start of the event times, inclusive; absent: no start.'),
  end: z.string().describe('End of the event times, inclusive.'),
  dataset: z.string().optional().describe('Dataset version that was read: `weather@3`.'),
  entities: z.int().describe('Number of entities in the time range.'),
  written: z.int().describe('Number of entities with newer values than the online store.'),
  error: z.string().optional().describe('Error message.'),
  createdBy: z.string().describe('`user:ada`, `service:ci`, `system:platform`.'),
  createdAt: z.string().describe('RFC 3339, UTC.'),
  finishedAt: z.string().optional().describe('RFC 3339, UTC.'),
});
export type Materialization = z.infer<typeof materializationSchema>;

export const featureBuildSchema = z.strictObject({
  id: z.string().describe('Id.'),
  service: z.string().optional().describe('Name of the FeatureService.'),
  features: z.array(z.string()).describe('Requested features as `view:feature`.'),
  entities: z.string().optional().describe('Version of the entity rows: `flights@7`.'),
  dataset: z.string().describe('Dataset of the new version.'),
  version: z.int().optional().describe('Number of the new version; absent until it exists.'),
  versionId: z.string().optional().describe('Id of the new version; absent until it exists.'),
  sources: z.array(z.string()).describe('Dataset versions that were read: `weather@3`.'),
  state,
  rows: z.int().optional().describe('Number of rows.'),
  query: z.string().optional().describe('SQL of the query engine.'),
  error: z.string().optional().describe('Error message.'),
  createdBy: z.string().describe('`user:ada`, `service:ci`.'),
  createdAt: z.string().describe('RFC 3339, UTC.'),
  finishedAt: z.string().optional().describe('RFC 3339, UTC.'),
});
export type FeatureBuild = z.infer<typeof featureBuildSchema>;

export const featureViewStateSchema = z.strictObject({
  name: z.string().describe('Name of the FeatureView.'),
  entities: z.array(z.string()).describe('Names of the entities.'),
  source: z.string().describe('`dataset weather`, `sql`, `push` or `on demand`.'),
  features: z.array(z.strictObject({ name: z.string(), type: z.enum(valueTypes) })),
  ttl: z.string(),
  online: z.boolean(),
  onlineEntities: z.int().describe('Number of entities with online values, counted at the last materialization.'),
  materializedTo: z.string().optional().describe('Newest event time; RFC 3339, UTC.'),
  materializedAt: z.string().optional().describe('Time; RFC 3339, UTC.'),
  services: z.array(z.string()).describe('FeatureServices that use the view.'),
});
export type FeatureViewState = z.infer<typeof featureViewStateSchema>;

export const skewSchema = z.strictObject({
  at: z.string().describe('Time of the comparison; RFC 3339, UTC.'),
  entities: z.int().describe('Number of compared values.'),
  features: z.array(
    z.strictObject({
      view: z.string(),
      feature: z.string(),
      same: z.int().describe('Number of equal values.'),
      different: z.int().describe('Number of different values.'),
      onlyOnline: z.int().describe('Number of values that only the online store has.'),
      onlyOffline: z.int().describe('Number of values that only the source has.'),
      examples: z
        .array(
          z.strictObject({
            entity: z.record(z.string(), z.unknown()),
            online: z.unknown(),
            offline: z.unknown(),
            onlineTime: z.string().nullable(),
            offlineTime: z.string().nullable(),
          }),
        )
        .describe('Examples of differences.'),
    }),
  ),
});
export type FeatureSkew = z.infer<typeof skewSchema>;
