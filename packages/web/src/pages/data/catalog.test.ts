import type { Resource } from '@dais/api';
import type { DatasetVersion } from '@dais/api/data';
import { expect, test } from 'vitest';
import { catalogRow, findIn } from './catalog.ts';

const resource = {
  metadata: { name: 'flights', labels: { area: 'gates' } },
  spec: { owner: 'vision', description: 'One row for each flight that landed', columns: [{ name: 'pinned' }] },
} as unknown as Resource;
const newest = {
  tags: ['training'],
  schema: { columns: [{ name: 'delay_minutes' }, { name: 'pilot_email' }] },
} as unknown as DatasetVersion;
const row = catalogRow(resource, newest);

test.each([
  ['', []],
  ['FLI', ['name']],
  ['delay', ['column']],
  ['vision', ['owner']],
  ['training', ['tag']],
  ['area=gates', ['tag']],
  ['landed', ['description']],
  ['flights  email', ['name', 'column']],
])('"%s" is found in %j', (text, locations) => expect(findIn(row, text)?.map((one) => one.in)).toEqual(locations));

test('every word has to match', () => expect(findIn(row, 'delay nowhere')).toBeUndefined());

test('without a version, columns are those of the manifest', () => {
  expect(catalogRow(resource, undefined).columns).toEqual(['pinned']);
});
