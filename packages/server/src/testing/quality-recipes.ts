/** For tests of every operation: requests about data quality of version 1 of the Dataset `target`. */
import type { Request } from './operation-recipes.ts';

const dataset = { path: { name: 'target' } };
const version = { path: { name: 'target', version: '1' } };
const expectations = [{ type: 'rowCount', min: 0 }];

export const qualityRecipes: Readonly<Record<string, () => Request>> = {
  'datasetProfile.get': () => version,
  'datasetProfile.make': () => ({ ...version, body: {} }),
  'qualityCheck.start': () => ({ ...version, body: { expectations } }),
  'qualityCheck.list': () => dataset,
  'qualityCheck.get': () => ({ path: { name: 'target', check: 'check' } }),
  'qualityReport.get': () => version,
  'qualityReport.page': () => version,
  'expectation.suggest': () => version,
  // It is not quarantined: permitted callers get this error.
  'datasetVersion.release': () => ({ ...version, body: { reason: 'tried' } }),
};
