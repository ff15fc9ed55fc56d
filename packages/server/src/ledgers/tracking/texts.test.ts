import fc from 'fast-check';
import { expect, test } from 'vitest';
import { columns, truncateText } from './texts.ts';

test('truncated texts have whole characters, up to the limit', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.nat(20), (text, longest) => {
      expect(Array.from(truncateText(text, longest))).toEqual(Array.from(text).slice(0, longest));
    }),
  );
});

test('columns are in key order', () => {
  expect(
    columns(
      new Map([
        ['b', '1'],
        ['a', '2'],
        ['B', '3'],
      ]),
    ),
  ).toEqual([
    ['B', 'a', 'b'],
    ['3', '2', '1'],
  ]);
});
