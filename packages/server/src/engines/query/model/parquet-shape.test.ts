import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { packRowNumbers, rowNumbers } from './parquet-shape.ts';

test('row numbers round-trip', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(2 ** 31 - 1), { maxLength: 300 }), (rows) => {
      const rising = [...rows.toSorted((a, b) => a - b), 2 ** 40, 2 ** 52];
      expect([...rowNumbers(packRowNumbers(rising))]).toEqual(rising);
    }),
  );
});

test('adjacent numbers take one byte each', () => {
  const many = Array.from({ length: 200_000 }, (_, at) => at);
  const packed = packRowNumbers(many);
  expect(Buffer.from(packed, 'base64').length).toBe(many.length);
  expect([...rowNumbers(packed)]).toEqual(many);
});
