import { expect, test } from 'vitest';
import { randomBytes } from './random-bytes.ts';

test('every request gets separate bytes, from the pool, at its edge and beyond it', () => {
  const seen = new Set<string>();
  for (let round = 0; round < 2000; round++) {
    const size = 12 + (round % 60);
    const bytes = randomBytes(size);
    expect(bytes).toHaveLength(size);
    // Twelve random zeros are less likely than any other failure of this test.
    expect(bytes.subarray(0, 12).every((byte) => byte === 0)).toBe(false);
    seen.add(bytes.toString('hex'));
  }
  expect(seen.size).toBe(2000);
  expect(randomBytes(0)).toHaveLength(0);
});

test('returned bytes do not change later', () => {
  const first = randomBytes(16);
  const kept = first.toString('hex');
  for (let round = 0; round < 1000; round++) randomBytes(16);
  expect(first.toString('hex')).toBe(kept);
});

test('bytes are spread over all values', () => {
  const counts = Array.from({ length: 256 }, () => 0);
  for (let round = 0; round < 4096; round++) for (const byte of randomBytes(16)) counts[byte]! += 1;
  // 256 of each are expected; eight deviations of 16 are beyond chance.
  for (const count of counts) expect(Math.abs(count - 256)).toBeLessThan(128);
});
