import { expect, test } from 'vitest';
import { RowRange } from './row-range.ts';

test('more rows than the visible ones are rendered, except after a jump', () => {
  const range = new RowRange();
  const ends = (startIndex: number, endIndex: number) => {
    const rows = range.extract({ startIndex, endIndex, overscan: 12, count: 1000 });
    expect(rows).toHaveLength((rows.at(-1) ?? 0) - (rows[0] ?? 0) + 1);
    return [rows[0], rows.at(-1)];
  };
  expect(ends(0, 19)).toEqual([0, 31]);
  expect(ends(15, 34)).toEqual([3, 46]);
  expect(ends(500, 519)).toEqual([498, 521]);
  // The same request changes nothing.
  expect(ends(500, 519)).toEqual([498, 521]);
  expect(ends(501, 520)).toEqual([489, 532]);
  expect(ends(100, 119)).toEqual([98, 121]);
  expect(ends(980, 999)).toEqual([978, 999]);
});
