import { expect, test } from 'vitest';
import type { ColumnType } from '#engines/query/model/column-type.ts';
import { partitionValue } from './partition-value.ts';

test.each<[ColumnType, string, string]>([
  ['string', 'a b/ü', 'a b/ü'],
  ['int8', '-128', '-128'],
  ['int64', '9223372036854775807', '9223372036854775807'],
  ['int32', '+7', '7'],
  ['boolean', 'True', 'true'],
  ['float64', '1.5e-3', '1.5e-3'],
  ['float32', '-Infinity', '-Infinity'],
  ['date', '2024-02-29', '2024-02-29'],
  ['timestamp', '2026-11-01 09:30:00', '2026-11-01T09:30:00Z'],
  ['timestamp', '2026-11-01T09:30:00.123456Z', '2026-11-01T09:30:00.123456Z'],
  ['decimal(5,2)', '-012.30', '-12.3'],
  ['decimal(5,2)', '0.25', '0.25'],
  ['decimal(3,0)', '0', '0'],
  ['binary', '\u0001ÿ', 'Af8='],
])('%s: %j', (type, text, value) => {
  expect(partitionValue(type, text)).toBe(value);
});

test.each<[ColumnType, string]>([
  ['int8', '128'],
  ['int64', '1.0'],
  ['int32', "1'); DROP"],
  ['boolean', '1'],
  ['float64', 'one'],
  ['date', '2026-02-30'],
  ['timestamp', '2026-11-01 24:00:00'],
  ['timestamp', '2026-11-01T09:30:00+05:00'],
  ['decimal(5,2)', '1234.5'],
  ['decimal(5,2)', '1.234'],
  ['decimal(5,2)', '.'],
  ['binary', '€'],
  ['list<int64>', '[1]'],
])('%s: rejects %j', (type, text) => {
  expect(partitionValue(type, text)).toBeUndefined();
});

test('empty text is NULL for every type', () => {
  for (const type of ['string', 'int64', 'date', 'binary'] as const) {
    expect(partitionValue(type, '')).toBeNull();
    expect(partitionValue(type, null)).toBeNull();
  }
});
