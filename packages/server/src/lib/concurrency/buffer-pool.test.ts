import { expect, test } from 'vitest';
import { BufferPool } from './buffer-pool.ts';
import { ManualClock } from '#lib/manual-clock.testing.ts';

const MIB = 1024 * 1024;
/** Longer than until unused memory is dropped. */
const A_WHILE_MS = 11_000;

test('released memory is reused for requests of a similar size', () => {
  const kept = new BufferPool(new ManualClock(), 10 * MIB);
  const first = kept.take(MIB - 5000);
  expect(first.byteLength).toBeGreaterThanOrEqual(MIB - 5000);
  expect(first.byteLength).toBeLessThan(1.25 * MIB);
  const second = kept.take(MIB - 5000);
  expect(second).not.toBe(first);
  kept.give(first);
  expect(kept.take(MIB - 1)).toBe(first);
  kept.give(first);
  expect(kept.take(2 * MIB)).not.toBe(first);
  expect(kept.take(MIB / 2)).not.toBe(first);
  expect(kept.bytes).toBe(first.byteLength);
});

test('keeps at most its limit, and no foreign memory', () => {
  const kept = new BufferPool(new ManualClock(), 2 * MIB);
  const three = [kept.take(MIB), kept.take(MIB), kept.take(MIB)];
  for (const memory of three) kept.give(memory);
  expect(kept.bytes).toBe(2 * MIB);
  const other = new BufferPool(new ManualClock(), 2 * MIB);
  other.give(new ArrayBuffer(MIB + 1));
  const handedOver = other.take(MIB);
  structuredClone(handedOver, { transfer: [handedOver] });
  other.give(handedOver);
  expect(other.bytes).toBe(0);
});

test('memory without use for a while is dropped, memory in use stays', () => {
  const clock = new ManualClock();
  const kept = new BufferPool(clock, 10 * MIB);
  const three = [kept.take(MIB), kept.take(MIB), kept.take(MIB)];
  for (const memory of three) kept.give(memory);
  clock.advance(A_WHILE_MS);
  expect(kept.bytes).toBe(3 * MIB);
  kept.give(kept.take(MIB));
  clock.advance(A_WHILE_MS);
  expect(kept.bytes).toBe(MIB);
  clock.advance(A_WHILE_MS);
  expect(kept.bytes).toBe(0);
});
