import { expect, test } from 'vitest';
import { barText } from './progress-bar.ts';

test('shows the completed amount, the rate and the remaining time', () => {
  expect(barText({ what: 'runs', done: 12, total: 40, bytes: 12 * 2 ** 20, elapsedMs: 3000 })).toBe(
    'runs 12 of 40 [######              ] 30 %, 4.0/s, 12.0 MiB, 7 s left',
  );
  expect(barText({ what: 'runs', done: 100, total: 10_000, bytes: 0, elapsedMs: 1000 })).toContain('100/s, 2 min left');
  expect(barText({ what: 'runs', done: 1, total: 10_000, bytes: 0, elapsedMs: 1000 })).toContain('2 h 47 min left');
});

test('has no rate before the first item, and no remaining time at the end', () => {
  expect(barText({ what: 'runs', done: 0, total: 2, bytes: 0, elapsedMs: 0 })).toBe(
    'runs 0 of 2 [                    ] 0 %',
  );
  expect(barText({ what: 'runs', done: 2, total: 2, bytes: 0, elapsedMs: 1000 })).toBe(
    'runs 2 of 2 [####################] 100 %, 2.0/s',
  );
  expect(barText({ what: 'runs', done: 0, total: 0, bytes: 0, elapsedMs: 5 })).toContain('100 %');
});
