import { expect, test } from 'vitest';
import type { Tensor } from '#engines/inference/contract.ts';
import { outputColumns } from './output-columns.ts';

const texts = (name: string, ...values: readonly (string | null)[]): Tensor => ({
  name,
  datatype: 'BYTES',
  shape: [values.length],
  data: values.map((value) => Buffer.from(value ?? '')),
  nulls: Uint8Array.from(values, (value) => Number(value === null)),
});
const doubles = (name: string, ...values: readonly number[]): Tensor => ({
  name,
  datatype: 'FP64',
  shape: [values.length],
  data: Float64Array.from(values),
});
const longs = (name: string, ...values: readonly bigint[]): Tensor => ({
  name,
  datatype: 'INT64',
  shape: [values.length],
  data: BigInt64Array.from(values),
});

test('a column has the type of the signature, with any missing values in a batch', () => {
  const declared = [
    { name: 'rank', type: 'long' },
    { name: 'late', type: 'boolean' },
    { name: 'day', type: 'datetime' },
    { name: 'note', type: 'string' },
  ];
  const first = [
    doubles('rank', 1, Number.NaN),
    doubles('late', 1, Number.NaN),
    texts('day', null, '2026-05-01T12:00:00.000000'),
    texts('note', null, null),
  ];
  const form = outputColumns(first, declared, []);
  expect(form.columns.map(({ type }) => type)).toEqual(['int64', 'boolean', 'timestamp', 'string']);
  expect(form.cells(first, 2)).toEqual([
    [1, true, null, null],
    [null, null, '2026-05-01T12:00:00.000000', null],
  ]);
  const whole: Tensor = { name: 'late', datatype: 'BOOL', shape: [1], data: Uint8Array.of(0) };
  const next = [longs('rank', 2n ** 62n), whole, texts('day', '2026-05-02'), texts('note', 'x')];
  expect(form.cells(next, 1)).toEqual([[String(2n ** 62n), false, '2026-05-02', 'x']]);
  expect(() => form.cells([doubles('rank', 1.5), ...next.slice(1)], 1)).toThrow('returned "rank" as FP64');
  expect(() => form.cells([...next.slice(0, 2), texts('day', 'soon'), texts('note', 'x')], 1)).toThrow('"day"');
});

test('ignores signature types that the values cannot have, and unnamed columns', () => {
  const declared = [{ name: 'day', type: 'datetime' }];
  const form = outputColumns([texts('day', 'Monday'), longs('count', 3n)], declared, []);
  expect(form.columns.map(({ type }) => type)).toEqual(['string', 'int64']);
  expect(form.cells([texts('day', 'Tuesday'), doubles('count', Number.NaN)], 1)).toEqual([['Tuesday', null]]);
  expect(() => form.cells([doubles('day', 1), longs('count', 1n)], 1)).toThrow('returned "day" as FP64 [1]');
});
