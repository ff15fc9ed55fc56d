import type { FeatureColumn, ValueType } from '@dais/api/data';
import { expect, test } from 'vitest';
import { responseJson } from './response-json.ts';

const column = (type: ValueType, ...values: unknown[]): FeatureColumn => ({
  name: 'f',
  view: 'v',
  feature: 'f',
  type,
  values,
  statuses: values.map((value) => (value === null ? 'NOT_FOUND' : 'PRESENT')),
  eventTimes: values.map((value) => (value === null ? null : '2026-11-20T00:00:00Z')),
});

test('returns columns, join keys first; a missing value has the epoch', () => {
  const text = responseJson(
    { entities: { id: [1, '9007199254740993'] }, features: [column('string', 'a', null)] },
    true,
  );
  expect(text).toContain('9007199254740993]');
  expect(JSON.parse(text)).toEqual({
    results: [
      {
        values: [1, 9_007_199_254_740_992],
        statuses: ['PRESENT', 'PRESENT'],
        event_timestamps: ['1970-01-01T00:00:00Z', '1970-01-01T00:00:00Z'],
      },
      {
        values: ['a', null],
        statuses: ['PRESENT', 'NOT_FOUND'],
        event_timestamps: ['2026-11-20T00:00:00Z', '1970-01-01T00:00:00Z'],
      },
    ],
    metadata: { feature_names: ['id', 'f'], feature_view_metadata: [{ name: 'v' }] },
  });
});

test.each([
  ['float64', 5, '5.0'],
  ['float64', -0.5, '-0.5'],
  ['float32', 1e21, '1e+21'],
  ['float64', 'NaN', '"NaN"'],
  ['float64', Number.POSITIVE_INFINITY, '"Infinity"'],
  ['int64', 5, '5'],
  ['int64', '9007199254740993', '9007199254740993'],
  ['list<float64>', [1, 2.5, null], '[1.0,2.5,null]'],
  ['timestamp', '2023-11-14T22:13:20.5Z', '1700000000'],
  ['boolean', true, 'true'],
  ['binary', 'AAE=', '"AAE="'],
  ['json', { a: [1] }, '{"a":[1]}'],
] as const)('a %s %j is %s', (type, value, text) => {
  expect(responseJson({ entities: {}, features: [column(type, value)] }, false)).toContain(`{"values":[${text}],`);
});
