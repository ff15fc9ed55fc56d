import fc from 'fast-check';
import { expect, test } from 'vitest';
import { float32Text } from './float-text.ts';

test('reads back as the same number', () => {
  fc.assert(
    fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
      expect(Math.fround(Number(float32Text(value)))).toBe(value);
    }),
    { numRuns: 2000 },
  );
});

test('has no more digits than nine', () => {
  fc.assert(
    fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const [mantissa = ''] = float32Text(value).split('e');
      const digits = mantissa.replaceAll(/[-.]/g, '').replaceAll(/^0+/g, '').replaceAll(/0+$/g, '');
      expect(digits.length).toBeLessThanOrEqual(9);
    }),
    { numRuns: 2000 },
  );
});

test.each([
  [0.1, '0.1'],
  [1 / 3, '0.33333334'],
  [-0, '-0'],
  [16_777_216, '16777216'],
  [1e-45, '1e-45'],
  [3.4028234663852886e38, '3.4028235e+38'],
  [123.456, '123.456'],
])('%d', (value, text) => {
  expect(float32Text(Math.fround(value))).toBe(text);
});
