/** Requests for the operations of features; see operation-recipes.ts. */
import { DATASET } from './data-recipes.ts';
import type { RecipeWorld, Request } from './operation-recipes.ts';

/** Name of a view that can be materialized and built from. */
export const MEASURED = 'measured';
export const measuredSpec = {
  source: { type: 'sql', sql: `select x, timestamp '2026-01-01' as at from ${DATASET}`, datasets: [DATASET] },
  eventTime: 'at',
  features: [{ name: 'x', type: 'int64' }],
};

const features = ['target:a'];

export const featureRecipes: Readonly<Record<string, (world: RecipeWorld) => Request | Promise<Request>>> = {
  'features.read': () => ({ body: { features, entities: {} } }),
  'features.push': () => ({ body: { view: 'target', rows: {} } }),
  // It cannot be materialized.
  'features.materialize': () => ({ body: { view: 'target' } }),
  'featureMaterialization.get': async (world) => ({ path: { id: await world.materialization() } }),
  'featureMaterialization.list': () => ({}),
  'features.history': () => ({ body: { features, entities: {} } }),
  'features.build': () => ({ body: { features, to: 'target' } }),
  'featureBuild.get': async (world) => ({ path: { id: await world.featureBuild() } }),
  'featureBuild.list': () => ({}),
  'features.check': () => ({ body: { features } }),
  'features.list': () => ({}),
};
