import { z } from 'zod';
import { valueTypes } from '#features/value-type.ts';

/** Features as they are read, and what brought them where they are read. */

export const moment = z.iso
  .datetime({ offset: true })
  .describe('RFC 3339, with up to six digits of a second: `2026-11-01T06:00:00.000001Z`.');

/** What became of one feature of one entity. */
export const featureStatuses = ['PRESENT', 'NULL_VALUE', 'NOT_FOUND', 'OUTSIDE_MAX_AGE'] as const;
export type FeatureStatus = (typeof featureStatuses)[number];

const featureStatusText =
  '`PRESENT`; `NULL_VALUE`: there is a row, and nothing in it; `NOT_FOUND`: there is no row; `OUTSIDE_MAX_AGE`: there is one, older than the view lets it be.';

export const featureColumnSchema = z.strictObject({
  name: z.string().describe('`feature`, or `view__feature` if requested.'),
  view: z.string().describe('What its view is called.'),
  feature: z.string().describe('Its name in the view.'),
  type: z.enum(valueTypes),
  values: z
    .array(z.unknown())
    .describe('One for each entity, in the order asked; null unless `PRESENT`. Whole numbers beyond 2^53 are texts.'),
  statuses: z.array(z.enum(featureStatuses)).describe(featureStatusText),
  eventTimes: z.array(z.string().nullable()).describe('Since when each is true; null where there is no row.'),
});
export type FeatureColumn = z.infer<typeof featureColumnSchema>;

export const onlineFeaturesSchema = z.strictObject({
  entities: z.record(z.string(), z.array(z.unknown())).describe('Join keys and fields of the request, as given.'),
  features: z.array(featureColumnSchema).describe('By view, in the order asked.'),
});
export type OnlineFeatures = z.infer<typeof onlineFeaturesSchema>;

export const featureRowsSchema = z.strictObject({
  columns: z.array(z.strictObject({ name: z.string(), type: z.string() })).describe('In order.'),
  rows: z.record(z.string(), z.array(z.unknown())).describe('Each column with its values.'),
  count: z.int().describe('Number of rows.'),
});
export type FeatureRows = z.infer<typeof featureRowsSchema>;

const featureWorkStates = ['waiting', 'running', 'done', 'failed', 'canceled'] as const;
const state = z.enum(featureWorkStates);

export const materializationSchema = z.strictObject({
  id: z.string().describe('Id.'),
  view: z.string().describe('Name of the FeatureView.'),
  mode: z.enum(['full', 'incremental']).describe('`incremental`: from where the last one ended.'),
  state,
  start: z.string().optional().describe('Event times from here on, itself included; absent: from the first.'),
  end: z.string().describe('Event times up to here, itself included.'),
  dataset: z.string().optional().describe('The version that was read: `weather@3`.'),
  entities: z.int().describe('Entities in the window so far.'),
  written: z.int().describe('Those of them that were newer than what was online.'),
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
  entities: z.string().optional().describe('The version whose rows were asked about: `flights@7`.'),
  dataset: z.string().describe('The Dataset that gets the new version.'),
  version: z.int().optional().describe('Its number, once it is there.'),
  versionId: z.string().optional().describe('Its id, once it is there.'),
  sources: z.array(z.string()).describe('The versions that were read: `weather@3`.'),
  state,
  rows: z.int().optional().describe('Rows that were built.'),
  query: z.string().optional().describe('What was computed, in the words of the query engine.'),
  error: z.string().optional().describe('Error message.'),
  createdBy: z.string().describe('`user:ada`, `service:ci`.'),
  createdAt: z.string().describe('RFC 3339, UTC.'),
  finishedAt: z.string().optional().describe('RFC 3339, UTC.'),
});
export type FeatureBuild = z.infer<typeof featureBuildSchema>;

export const featureViewStateSchema = z.strictObject({
  name: z.string().describe('Name of the FeatureView.'),
  entities: z.array(z.string()).describe('Names of its entities.'),
  source: z.string().describe('`dataset weather`, `sql`, `push` or `on demand`.'),
  features: z.array(z.strictObject({ name: z.string(), type: z.enum(valueTypes) })),
  ttl: z.string(),
  online: z.boolean(),
  onlineEntities: z.int().describe('How many entities have values online; counted at the last materialization.'),
  materializedTo: z.string().optional().describe('Up to which event time; RFC 3339, UTC.'),
  materializedAt: z.string().optional().describe('When; RFC 3339, UTC.'),
  services: z.array(z.string()).describe('FeatureServices that take features of it.'),
});
export type FeatureViewState = z.infer<typeof featureViewStateSchema>;

export const skewSchema = z.strictObject({
  at: z.string().describe('The moment of which both ways were asked; RFC 3339, UTC.'),
  entities: z.int().describe('How many were compared.'),
  features: z.array(
    z.strictObject({
      view: z.string(),
      feature: z.string(),
      same: z.int().describe('As often both ways gave the same.'),
      different: z.int().describe('As often they gave two values.'),
      onlyOnline: z.int().describe('As often only the online store had one.'),
      onlyOffline: z.int().describe('As often only the source had one.'),
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
        .describe('A few of those that are not the same.'),
    }),
  ),
});
export type FeatureSkew = z.infer<typeof skewSchema>;
