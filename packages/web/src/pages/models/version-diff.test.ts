import { expect, test } from 'vitest';
import { diffRecords, numberText, objectiveRows, signatureRecord } from './version-diff.ts';

test('keys of both, keys of one, and different values', () => {
  expect(diffRecords({ a: '1', b: 0.1 + 0.2, c: 'x' }, { a: '1', b: 0.3, d: 'NaN' })).toEqual([
    { key: 'a', before: '1', after: '1', differs: false },
    { key: 'b', before: '0.3', after: '0.3', differs: false },
    { key: 'c', before: 'x', after: undefined, differs: true },
    { key: 'd', before: undefined, after: 'NaN', differs: true },
  ]);
});

test.each([
  [12.345678, '12.3457'],
  [1e-9, '1e-9'],
  [123456789, '123456789'],
  [Number.NaN, 'NaN'],
])('%d is shown as %s', (value, text) => {
  expect(numberText(value)).toBe(text);
});

test('objectives show the better value and whether it meets the target', () => {
  const objectives = [
    { metric: 'mae', direction: 'minimize', target: 9 },
    { metric: 'auc', direction: 'maximize', target: 0.9 },
    { metric: 'gone', direction: 'maximize' },
  ] as const;
  const rows = objectiveRows(objectives, { mae: 10, auc: 0.8 }, { mae: 8.5, auc: 0.7, gone: 'NaN' });
  expect(rows.map(({ result, met }) => [result, met])).toEqual([
    ['better', true],
    ['worse', false],
    ['unknown', undefined],
  ]);
});

test('a signature is compared field by field', () => {
  const file = {
    inputs: [{ name: 'hour', type: 'long', optional: true }],
    outputs: [],
    params: [],
    flavors: [],
    python: undefined,
  };
  expect(signatureRecord(file)).toEqual({ 'input hour': 'long, optional' });
  expect(signatureRecord(undefined)).toEqual({});
});
