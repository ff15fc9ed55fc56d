/** Requests for the operations of data; see operation-recipes.ts. The Dataset `rows` has a version in every project. */
import type { RecipeWorld, Request } from './operation-recipes.ts';

export const DATASET = 'rows';
/** A query over nothing creates a version without an uploaded file. */
export const datasetSpec = (rows: number) => ({
  schemaChanges: 'any',
  source: { type: 'dataset', sql: `select ${rows} as x`, tables: {} },
});
export const pushedFiles = [{ name: 'a.csv', bytes: 1, sha256: '0'.repeat(64) }];

const dataset = { path: { name: DATASET } };
const version = { path: { name: DATASET, version: '1' } };
const ofPush = async (world: RecipeWorld) => ({ name: 'target', id: await world.push() });

export const dataRecipes: Readonly<Record<string, (world: RecipeWorld) => Request | Promise<Request>>> = {
  'datasetVersion.list': () => dataset,
  'datasetVersion.get': () => version,
  'datasetVersion.find': () => ({}),
  'datasetVersion.tag': () => ({ ...version, body: { tag: 'tried' } }),
  'datasetVersion.untag': () => ({ path: { name: DATASET, tag: 'unknown' } }),
  'datasetVersion.restore': () => ({ ...version, body: {} }),
  'datasetVersion.delete': async (world) => ({ path: { name: DATASET, version: await world.datasetVersion() } }),
  'datasetVersion.readFile': () => ({ path: { ...version.path, file: 'part-00000.parquet' } }),
  'datasetVersion.export': () => version,
  'datasetVersion.head': () => version,
  'datasetVersion.diff': () => ({ ...version, query: { from: '1' } }),
  'data.query': () => ({ body: { sql: `select * from ${DATASET}` } }),
  'datasetPush.begin': () => ({ path: { name: 'target' }, body: { files: pushedFiles } }),
  'datasetPush.upload': async (world) => ({ path: await ofPush(world), query: { file: 'a.csv' } }),
  'datasetPush.commit': async (world) => ({ path: await ofPush(world), body: {} }),
  'datasetIngest.cancel': async (world) => ({ path: await ofPush(world) }),
  'datasetIngest.get': async (world) => ({ path: await ofPush(world) }),
  'datasetIngest.rejects': async (world) => ({ path: await ofPush(world) }),
  'datasetIngest.list': () => dataset,
  'dataset.refresh': () => ({ ...dataset, body: {} }),
};
