import { DaisError } from '@dais/api';
import { expect, test } from 'vitest';
import { mergedRows } from '../deleted-rows.ts';
import { equalityPlans } from './iceberg-equality.ts';
import type { IcebergColumns } from './iceberg-schema.ts';

const columns: IcebergColumns = {
  by: 'name',
  fields: [
    { id: 1, name: 'id', type: 'long' },
    { id: 2, name: 'word', type: 'string' },
  ],
};
const file = (path: string, sequence: number, partition?: string) => ({
  path,
  sequence,
  partition,
  snapshot: undefined,
});
const deletes = (path: string, sequence: number, fields: readonly number[], partition?: string) => ({
  ...file(path, sequence, partition),
  deletes: { type: 'equality' as const, rows: 1, fields },
});

test('deletes apply to files of earlier commits in their partition', () => {
  const data = [file('a', 1, 'x'), file('b', 2, 'y'), file('c', 3, 'x')];
  const plans = equalityPlans('T', columns, data, [
    deletes('d1', 3, [1]),
    deletes('d2', 2, [1], 'x'),
    deletes('d3', 9, [1, 2], 'y'),
    deletes('d4', 1, [1]),
  ]);
  expect(Object.fromEntries(plans)).toEqual({
    a: { by: [{ columns: ['id'], files: ['d1', 'd2'] }] },
    b: {
      by: [
        { columns: ['id'], files: ['d1'] },
        { columns: ['id', 'word'], files: ['d3'] },
      ],
    },
  });
});

test('rejects deletes by a dropped column if they apply to a file', () => {
  const plan = (sequence: number) => equalityPlans('T', columns, [file('a', 1)], [deletes('d', sequence, [9])]);
  expect(() => plan(2)).toThrow(DaisError);
  expect(() => plan(2)).toThrow(/dropped or nested column/);
  expect(plan(1).size).toBe(0);
});

test('merges two lists in order without duplicates', () => {
  expect([...mergedRows([1, 3, 5], [2, 3, 9])]).toEqual([1, 2, 3, 5, 9]);
  expect([...mergedRows([], [4])]).toEqual([4]);
  expect([...mergedRows([4], [])]).toEqual([4]);
});
