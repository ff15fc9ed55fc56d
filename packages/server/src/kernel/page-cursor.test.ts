import { DaisError } from '@dais/api';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutPage, decodeNumberCursor, decodePageCursor, encodePageCursor } from './page-cursor.ts';

const codeOf = (work: () => unknown): string => {
  try {
    work();
    return 'none';
  } catch (error) {
    if (error instanceof DaisError) return error.code;
    throw error;
  }
};
const storable = fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0'));

test('a cursor returns the last key of its own list and of no other', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.jsonValue(), storable, (filter, other, last) => {
      const cursor = encodePageCursor(filter, last);
      expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/);
      expect(decodePageCursor(filter, cursor)).toBe(last);
      const same = JSON.stringify(filter) === JSON.stringify(other);
      expect(codeOf(() => decodePageCursor(other, cursor))).toBe(same ? 'none' : 'invalid_cursor');
    }),
  );
});

test('numbers come back as numbers', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 18n - 1n }), (last) => {
      expect(decodeNumberCursor('list', encodePageCursor('list', String(last)))).toBe(last);
    }),
  );
});

test('without a cursor the list starts at its beginning', () => {
  expect(decodePageCursor('list', undefined)).toBeUndefined();
  expect(decodeNumberCursor('list', undefined)).toBeUndefined();
});

test.each(['', 'x', '☃', 'bnVsbA', 'W10', 'eyJhIjoxfQ', 'WzEsMl0'])('%j is no cursor', (cursor) => {
  expect(codeOf(() => decodePageCursor('list', cursor))).toBe('invalid_cursor');
});

test('rejects a forged cursor with an impossible key', () => {
  expect(codeOf(() => decodePageCursor('list', encodePageCursor('list', 'a\0b')))).toBe('invalid_cursor');
  for (const last of ['', 'abc', '-1', '1.5', '9'.repeat(19), '0x1f', ' 1']) {
    expect(codeOf(() => decodeNumberCursor('list', encodePageCursor('list', last)))).toBe('invalid_cursor');
  }
});

test('no text causes another error', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (cursor) => {
      expect(codeOf(() => decodeNumberCursor('list', cursor))).toBe('invalid_cursor');
    }),
  );
});

test('a page has a cursor of the next page only if more rows were read than its limit', () => {
  const rows = ['a', 'b', 'c'];
  expect(cutPage(rows, 3, 'list', (row) => row)).toEqual({ page: rows, next: {} });
  expect(cutPage([], 3, 'list', (row: string) => row)).toEqual({ page: [], next: {} });
  const { page, next } = cutPage(rows, 2, 'list', (row) => row);
  expect(page).toEqual(['a', 'b']);
  expect(decodePageCursor('list', 'nextCursor' in next ? next.nextCursor : undefined)).toBe('b');
});
