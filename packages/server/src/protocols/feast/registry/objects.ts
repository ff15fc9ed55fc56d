/** Objects of a registry as data: method names, and the fields of each message that all objects have. */
import type { FeastClass } from '../feast-errors.ts';

export interface FeastObject {
  /** The kind in the ledger of definitions. */
  readonly type: string;
  /** The name in methods: `GetEntity`, `ListEntities`. */
  readonly one: string;
  readonly many: string;
  readonly missing: FeastClass;
  readonly title: string;
  /** The field with name, project and tags; undefined if the message itself has them. */
  readonly spec?: number;
  readonly name: number;
  readonly project: number;
  readonly tags: number;
  /** The field for creation and update times. */
  readonly meta?: { readonly field: number; readonly created: number; readonly updated: number };
  /** The list in `feast.core.Registry`. */
  readonly inRegistry: number;
}

const META = { field: 2, created: 1, updated: 2 } as const;

export const entity: FeastObject = {
  type: 'entity',
  one: 'Entity',
  many: 'Entities',
  missing: 'EntityNotFoundException',
  title: 'Entity',
  spec: 1,
  name: 1,
  project: 9,
  tags: 8,
  meta: META,
  inRegistry: 1,
};

export const dataSource: FeastObject = {
  type: 'dataSource',
  one: 'DataSource',
  many: 'DataSources',
  missing: 'DataSourceObjectNotFoundException',
  title: 'Data source',
  name: 20,
  project: 21,
  tags: 24,
  meta: { field: 50, created: 3, updated: 4 },
  inRegistry: 12,
};

export const featureView: FeastObject = {
  type: 'featureView',
  one: 'FeatureView',
  many: 'FeatureViews',
  missing: 'FeatureViewNotFoundException',
  title: 'Feature view',
  spec: 1,
  name: 1,
  project: 2,
  tags: 5,
  meta: META,
  inRegistry: 6,
};

export const streamFeatureView: FeastObject = {
  ...featureView,
  type: 'streamFeatureView',
  one: 'StreamFeatureView',
  many: 'StreamFeatureViews',
  tags: 7,
  inRegistry: 14,
};

export const onDemandFeatureView: FeastObject = {
  ...featureView,
  type: 'onDemandFeatureView',
  one: 'OnDemandFeatureView',
  many: 'OnDemandFeatureViews',
  missing: 'OnDemandFeatureViewNotFoundException',
  title: 'On demand feature view',
  tags: 7,
  inRegistry: 8,
};

export const labelView: FeastObject = {
  ...featureView,
  type: 'labelView',
  one: 'LabelView',
  many: 'LabelViews',
  inRegistry: 19,
};

export const featureService: FeastObject = {
  type: 'featureService',
  one: 'FeatureService',
  many: 'FeatureServices',
  missing: 'FeatureServiceNotFoundException',
  title: 'Feature service',
  spec: 1,
  name: 1,
  project: 2,
  tags: 4,
  meta: META,
  inRegistry: 7,
};

const savedDataset: FeastObject = {
  type: 'savedDataset',
  one: 'SavedDataset',
  many: 'SavedDatasets',
  missing: 'SavedDatasetNotFound',
  title: 'Saved dataset',
  spec: 1,
  name: 1,
  project: 2,
  tags: 7,
  meta: META,
  inRegistry: 11,
};

const validationReference: FeastObject = {
  type: 'validationReference',
  one: 'ValidationReference',
  many: 'ValidationReferences',
  missing: 'ValidationReferenceNotFound',
  title: 'Validation reference',
  name: 1,
  project: 3,
  tags: 4,
  inRegistry: 13,
};

const permission: FeastObject = {
  type: 'permission',
  one: 'Permission',
  many: 'Permissions',
  missing: 'PermissionObjectNotFoundException',
  title: 'Permission',
  spec: 1,
  name: 1,
  project: 2,
  tags: 8,
  meta: META,
  inRegistry: 16,
};

/** The four kinds of views share one namespace; the field of each in `AnyFeatureView` and in apply requests. */
export const views: readonly { readonly object: FeastObject; readonly any: number; readonly applied: number }[] = [
  { object: featureView, any: 1, applied: 1 },
  { object: streamFeatureView, any: 3, applied: 3 },
  { object: onDemandFeatureView, any: 2, applied: 2 },
  { object: labelView, any: 4, applied: 6 },
];

/** All objects of a project. */
export const objects: readonly FeastObject[] = [
  entity,
  dataSource,
  ...views.map(({ object }) => object),
  featureService,
  savedDataset,
  validationReference,
  permission,
];

export const objectByType: ReadonlyMap<string, FeastObject> = new Map(objects.map((object) => [object.type, object]));
