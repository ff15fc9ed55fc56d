import { kinds } from '@dais/api';
import { secretKind } from '@dais/api/access';
import { expect, test } from 'vitest';
import { columnNames, readColumns, writeColumns } from './column-choice.ts';

test('the default has all columns except the wide ones', () => {
  expect([...readColumns(secretKind, '')]).toEqual(['status.keys', 'labels', 'changed', 'age']);
  expect(readColumns(secretKind, 'all').has('spec.description')).toBe(true);
});

test('unknown ids in the URL are ignored', () => {
  expect([...readColumns(secretKind, 'labels,nothing,status.keys')]).toEqual(['status.keys', 'labels']);
});

test('every selection is restored from the URL, for every kind', () => {
  for (const kind of kinds) {
    const ids = columnNames(kind).map(({ id }) => id);
    expect(ids.every((id) => !id.includes(','))).toBe(true);
    for (let bits = 0; bits < 2 ** ids.length; bits++) {
      const shown = new Set(ids.filter((_, at) => (bits & (2 ** at)) !== 0));
      expect(readColumns(kind, writeColumns(kind, shown) ?? '')).toEqual(shown);
    }
  }
});
