import { z } from 'zod';
import { featureViewKind } from '#kinds/feature-view.ts';
import { defineOperation, type Operation } from '#operations/operation.ts';
import {
  featureBuildSchema,
  featureRowsSchema,
  featureViewStateSchema,
  materializationSchema,
  moment,
  onlineFeaturesSchema,
  skewSchema,
} from '#records/features.ts';

const base = '/api/v1/features' as const;
const view = z.string().min(1).max(256).describe('Name of the FeatureView.');
const service = z.string().min(1).max(256).describe('Name of the FeatureService.');
const features = z
  .array(z.string().min(3).max(512))
  .min(1)
  .max(5000)
  .describe('Instead of a service: features as `view:feature`.');
/** Columns of equal length. */
const rows = z
  .record(z.string().min(1).max(256), z.array(z.unknown()).max(100_000))
  .describe('Columns with their values.');
const fullNames = z.boolean().default(false).describe('Whether column names are `view__feature` instead of `feature`.');
const selection = { service: service.optional(), features: features.optional() };
const id = z.uuid().describe('Id.');
const limit = z.int().min(1).max(1000).default(100).describe('Maximum items per page.');
const cursor = z.string().max(4096).optional().describe('`nextCursor` of the previous page.');
const page = <Item extends z.ZodType>(item: Item) =>
  z.strictObject({ items: z.array(item), nextCursor: z.string().optional() });

/** The view, where only one is named. The handler authorizes a service, and each of several views. */
const ofSelection = (input: { readonly features?: readonly string[] | undefined }) => {
  const views = new Set((input.features ?? []).map((one) => one.slice(0, one.lastIndexOf(':'))));
  const [only] = views;
  return only !== undefined && views.size === 1
    ? { kind: featureViewKind.kind, name: only }
    : { kind: featureViewKind.kind };
};
const ofView = (input: { readonly view: string }) => ({ kind: featureViewKind.kind, name: input.view });
const ofAll = () => ({ kind: featureViewKind.kind });

export const readFeaturesOperation = defineOperation({
  name: 'features.read',
  action: 'featureView:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns current feature values of entities.',
  input: z.strictObject({
    ...selection,
    entities: rows.describe('Join keys, and request fields of on-demand views, each with its values.'),
    fullNames,
  }),
  output: onlineFeaturesSchema,
  target: ofSelection,
  http: { method: 'POST', path: `${base}/online`, status: 200 },
});

export const pushFeaturesOperation = defineOperation({
  name: 'features.push',
  action: 'featureView:push',
  mode: 'write',
  scope: 'project',
  summary:
    'Pushes values of a feature view: online (the newer event time wins), offline (as rows of its dataset), or both.',
  input: z.strictObject({
    view,
    rows: rows.describe('Join keys, features, the event time and, where the view has one, the created time.'),
    to: z.enum(['online', 'offline', 'both']).default('online').describe('Where to.'),
  }),
  output: z.strictObject({
    rows: z.int().describe('Number of received rows.'),
    written: z.int().describe('Number of rows that were newer than the online values.'),
    version: z.literal('later').optional().describe('Whether the rows become a dataset version shortly.'),
  }),
  target: ofView,
  roles: ['operator', 'editor'],
  http: { method: 'POST', path: `${base}/push`, status: 200 },
});

export const materializeFeaturesOperation = defineOperation({
  name: 'features.materialize',
  action: 'featureView:materialize',
  mode: 'write',
  scope: 'project',
  summary: 'Materializes the latest values of a feature view. Returns `invalid_state` if one is in progress.',
  input: z.strictObject({
    view,
    mode: z
      .enum(['full', 'incremental'])
      .default('incremental')
      .describe('`incremental`: from the end of the last materialization.'),
    start: moment.optional().describe('Start of the event times, inclusive. Default: see `mode`.'),
    end: moment.optional().describe('End of the event times, inclusive. Default: now.'),
  }),
  output: materializationSchema,
  target: ofView,
  roles: ['operator', 'editor'],
  http: { method: 'POST', path: `${base}/materialize`, status: 202 },
});

export const readMaterializationOperation = defineOperation({
  name: 'featureMaterialization.get',
  action: 'featureView:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns one materialization.',
  input: z.strictObject({ id }),
  output: materializationSchema,
  target: ofAll,
  http: { method: 'GET', path: `${base}/materializations/:id`, status: 200 },
});

export const listMaterializationsOperation = defineOperation({
  name: 'featureMaterialization.list',
  action: 'featureView:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists materializations, newest first.',
  input: z.strictObject({ view: view.optional(), limit, cursor }),
  output: page(materializationSchema),
  target: ofAll,
  http: { method: 'GET', path: `${base}/materializations`, status: 200, query: ['view', 'limit', 'cursor'] },
});

const history = {
  ...selection,
  fullNames,
  start: moment.optional().describe('Without entities: start of the event times.'),
  end: moment.optional().describe('Without entities: end of the event times.'),
  createdCutoff: z
    .boolean()
    .default(false)
    .describe('Whether to ignore rows that were created after the requested time, if a view has a created time.'),
};
const eventTime = z
  .string()
  .min(1)
  .max(256)
  .default('event_timestamp')
  .describe('Entity column with the requested time of each row.');

export const readHistoryOperation = defineOperation({
  name: 'features.history',
  action: 'featureView:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns point-in-time correct feature values for up to 100,000 rows. Use `features.build` for more.',
  input: z.strictObject({
    ...history,
    entities: rows.optional().describe('Join keys, the timestamp, and further columns for the output.'),
    eventTime,
    limit: z.int().min(1).max(100_000).default(100_000).describe('Maximum number of returned rows.'),
  }),
  output: featureRowsSchema,
  target: ofSelection,
  http: { method: 'POST', path: `${base}/history`, status: 200 },
});

export const buildFeaturesOperation = defineOperation({
  name: 'features.build',
  action: 'featureView:build',
  mode: 'write',
  scope: 'project',
  summary: 'Builds a dataset version with point-in-time correct feature values for entity rows.',
  input: z.strictObject({
    ...history,
    entities: z.string().min(1).max(512).optional().describe('Dataset version of the entity rows: `flights@7`.'),
    eventTime: eventTime.optional().describe('Default: the event time of the entity dataset.'),
    to: z.string().min(1).max(256).describe('Name of the output Dataset.'),
  }),
  output: featureBuildSchema,
  target: ofSelection,
  roles: ['editor'],
  http: { method: 'POST', path: `${base}/builds`, status: 202 },
});

export const readFeatureBuildOperation = defineOperation({
  name: 'featureBuild.get',
  action: 'featureView:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns one build.',
  input: z.strictObject({ id }),
  output: featureBuildSchema,
  target: ofAll,
  http: { method: 'GET', path: `${base}/builds/:id`, status: 200 },
});

export const listFeatureBuildsOperation = defineOperation({
  name: 'featureBuild.list',
  action: 'featureView:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists builds, newest first.',
  input: z.strictObject({ limit, cursor }),
  output: page(featureBuildSchema),
  target: ofAll,
  http: { method: 'GET', path: `${base}/builds`, status: 200, query: ['limit', 'cursor'] },
});

export const checkFeaturesOperation = defineOperation({
  name: 'features.check',
  action: 'featureView:read',
  mode: 'read',
  scope: 'project',
  summary: 'Compares online and offline values of the same entities at the same time.',
  input: z.strictObject({
    ...selection,
    sample: z.int().min(1).max(10_000).default(1000).describe('Number of entities, sampled evenly over their keys.'),
  }),
  output: skewSchema,
  target: ofSelection,
  http: { method: 'POST', path: `${base}/check`, status: 200 },
});

export const listFeatureViewStatesOperation = defineOperation({
  name: 'features.list',
  action: 'featureView:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists feature views with features, online freshness and consumers.',
  input: z.strictObject({ limit, cursor }),
  output: page(featureViewStateSchema),
  target: ofAll,
  http: { method: 'GET', path: `${base}/views`, status: 200, query: ['limit', 'cursor'] },
});

export const featureOperations: readonly Operation[] = [
  readFeaturesOperation,
  pushFeaturesOperation,
  materializeFeaturesOperation,
  readMaterializationOperation,
  listMaterializationsOperation,
  readHistoryOperation,
  buildFeaturesOperation,
  readFeatureBuildOperation,
  listFeatureBuildsOperation,
  checkFeaturesOperation,
  listFeatureViewStatesOperation,
];
