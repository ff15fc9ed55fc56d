import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CHUNK, decodeChunk, encodeChunk } from './chunk.ts';
import { makePoints, toPoints, type Points } from './points.ts';

const LARGEST = Number.MAX_SAFE_INTEGER;

/** Bit by bit: `toEqual` takes every NaN for the same. */
function bits({ steps, times, values }: Points): string[] {
  return [steps, times, values].map((column) =>
    Buffer.from(column.buffer, column.byteOffset, column.byteLength).toString('hex'),
  );
}

function points(steps: readonly number[], times: readonly number[], values: readonly number[]): Points {
  return toPoints(steps.map((step, n) => ({ step, timestamp: times[n]!, value: values[n]! })));
}

const integer = fc.oneof(
  fc.integer({ min: -5, max: 5 }),
  fc.maxSafeInteger(),
  fc.constantFrom(LARGEST, -LARGEST, 2 ** 50, -(2 ** 50), 2 ** 51 - 1, 0),
);
const value = fc.oneof(
  fc.double(),
  fc.float(),
  fc.constantFrom(Number.NaN, 0, -0, Number.MAX_VALUE, Number.MIN_VALUE, Number.POSITIVE_INFINITY),
);

describe('a chunk', () => {
  test('returns every point, for any step, time and value', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(integer, integer, value), { maxLength: 300 }), (list) => {
        const given = points(
          // A column of integers has no -0.
          list.map(([step]) => step + 0),
          list.map(([, time]) => time + 0),
          list.map(([, , number]) => number),
        );
        expect(bits(decodeChunk(encodeChunk(given)))).toEqual(bits(given));
      }),
    );
  });

  test('returns typical series of training', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: CHUNK }),
        fc.integer({ min: 1, max: 100 }),
        fc.array(fc.integer({ min: 0, max: 2000 }), { minLength: 1, maxLength: 50 }),
        fc.boolean(),
        (n, every, pauses, single) => {
          let time = 1_770_000_000_000;
          const given = makePoints(n);
          for (let index = 0; index < n; index++) {
            time += pauses[index % pauses.length]!;
            const loss = Math.exp(-index / 100);
            given.steps[index] = index * every;
            given.times[index] = time;
            given.values[index] = single ? Math.fround(loss) : loss;
          }
          expect(bits(decodeChunk(encodeChunk(given)))).toEqual(bits(given));
        },
      ),
    );
  });

  test('keeps the bits of a NaN', () => {
    const given = makePoints(2);
    new BigUint64Array(given.values.buffer).set([0x7ff8_0000_0000_0001n, 0x3ff0_0000_0000_0000n]);
    expect(bits(decodeChunk(encodeChunk(given)))).toEqual(bits(given));
  });

  test('of constant steps takes 8 bytes per point, and 4 with single-precision values', () => {
    const size = (make: (index: number) => number) => {
      const numbers = Array.from({ length: CHUNK }, (_, index) => index);
      const times = numbers.map((index) => 1_770_000_000_000 + index * 250);
      return encodeChunk(points(numbers, times, numbers.map(make))).length / CHUNK;
    };
    expect(size((index) => Math.sin(index))).toBeLessThan(8.05);
    expect(size((index) => Math.fround(Math.sin(index)))).toBeLessThan(4.05);
  });

  test('of irregular times takes at most 10 bytes per point', () => {
    let time = 1_770_000_000_000;
    const numbers = Array.from({ length: CHUNK }, (_, index) => index);
    const times = numbers.map((index) => (time += 200 + ((index * 7919) % 61)));
    expect(encodeChunk(points(numbers, times, numbers.map(Math.sin))).length / CHUNK).toBeLessThan(10);
  });

  test('that is truncated is rejected', () => {
    const whole = encodeChunk(points([1, 2, 5], [10, 11, 19], [0.1, 0.2, 0.3]));
    for (let end = 4; end < whole.length; end++) {
      expect(() => decodeChunk(whole.subarray(0, end)), `${end} bytes`).toThrow(/a metric chunk/);
    }
    expect(() => decodeChunk(Buffer.concat([whole, Buffer.from([0])]))).toThrow('a metric chunk of');
    expect(() => decodeChunk(Buffer.from([2, 0, 0, 0]))).toThrow('version 2');
    expect(() => decodeChunk(Buffer.from([1, 8, 0, 0]))).toThrow('flags 8');
  });
});
