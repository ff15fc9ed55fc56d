import { expect, test } from 'vitest';
import { parseDatasetReference } from '#records/data-reference.ts';

test.each([
  ['flights', { dataset: 'flights', which: { by: 'latest' } }],
  ['flights@latest', { dataset: 'flights', which: { by: 'latest' } }],
  ['flights@3', { dataset: 'flights', which: { by: 'number', number: 3 } }],
  ['flights@v12', { dataset: 'flights', which: { by: 'number', number: 12 } }],
  ['flights@gold', { dataset: 'flights', which: { by: 'tag', tag: 'gold' } }],
  ['a.b-c_d@x.y-z', { dataset: 'a.b-c_d', which: { by: 'tag', tag: 'x.y-z' } }],
  ['f@2026-11-01', { dataset: 'f', which: { by: 'time', until: Date.parse('2026-11-02T00:00:00Z') - 1 } }],
  ['f@2026-11-01T10:00:00+02:00', { dataset: 'f', which: { by: 'time', until: Date.parse('2026-11-01T08:00:00Z') } }],
])('%s', (text, want) => {
  expect(parseDatasetReference(text)).toEqual(want);
});

test.each([
  '',
  '@3',
  'flights@',
  'flights@0',
  'flights@2026-02-31',
  'flights@@3',
  'a/b@3',
  '-x',
  'x@-1',
  'f@2026-11-01T25:00Z',
])('%j is not a version reference', (text) => {
  expect(parseDatasetReference(text)).toBeUndefined();
});
