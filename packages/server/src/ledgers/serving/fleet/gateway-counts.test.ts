import type { GatewayFigures } from '@dais/api/gateway';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { GatewayCounts, type MinuteCounts } from './gateway-counts.ts';

const START = Date.parse('2026-01-01T12:00:00Z');
const MINUTE = 60_000;

const figures = (requests: number, { startedAt = START, failed = 0, variant = 'stable' } = {}): GatewayFigures => ({
  startedAt: new Date(startedAt).toISOString(),
  revision: 1,
  at: new Date(startedAt).toISOString(),
  variants: [
    {
      project: 'default',
      endpoint: 'e',
      variant,
      model: 'm',
      requests,
      failed,
      refused: 0,
      latency: [requests - failed, failed],
    },
  ],
  models: [],
});

/** Rows as the database has them: a row replaces an earlier one of its minute. */
function stored() {
  const rows = new Map<number, MinuteCounts>();
  return {
    write: (counts: readonly MinuteCounts[]) => counts.forEach((one) => rows.set(one.minute, one)),
    get requests() {
      return [...rows.values()].reduce((sum, one) => sum + one.counters.requests, 0);
    },
    minutes: () => [...rows].map(([minute, { counters }]) => [minute / MINUTE, counters]),
  };
}

test('requests are in the row of the minute in which they are written, as one count of the whole minute', () => {
  const counts = new GatewayCounts(START);
  const rows = stored();
  const write = (minute: number) => {
    const taken = counts.take(minute * MINUTE);
    rows.write(taken);
    counts.markStored(taken);
    return taken.length;
  };
  counts.record(figures(2));
  expect(write(1)).toBe(1);
  counts.record(figures(5, { failed: 1 }));
  expect(write(1)).toBe(1);
  // Nothing changed: nothing is written.
  counts.record(figures(5, { failed: 1 }));
  expect(counts.isEmpty).toBe(true);
  expect(write(2)).toBe(0);
  counts.record(figures(6, { failed: 1 }));
  expect(write(2)).toBe(1);
  expect(rows.minutes()).toEqual([
    [1, { requests: 5, failed: 1, latency: [4, 1] }],
    [2, { requests: 1, failed: 0, latency: [1, 0] }],
  ]);
});

test('a new gateway process counts from zero; one that ran before this process counts from its first report', () => {
  const counts = new GatewayCounts(START);
  const rows = stored();
  counts.record(figures(100, { startedAt: START - 1000 }));
  counts.record(figures(103, { startedAt: START - 1000 }));
  counts.record(figures(4, { startedAt: START + 1000 }));
  rows.write(counts.take(0));
  expect(rows.requests).toBe(7);
});

test('requests to a new version are reported, so that its rollout need not wait', () => {
  const counts = new GatewayCounts(START);
  expect(counts.record(figures(1))).toBe(false);
  expect(counts.record(figures(1, { variant: 'canary' }))).toBe(true);
  expect(counts.record(figures(1, { variant: 'canary' }))).toBe(false);
});

test('writes that fail, or whose commit is not known, neither lose nor repeat a request', () => {
  const turn = fc.record({
    more: fc.nat(20),
    restart: fc.boolean(),
    minutes: fc.nat(2),
    write: fc.constantFrom('none', 'committed', 'lost', 'unknown'),
  });
  fc.assert(
    fc.property(fc.array(turn, { maxLength: 40 }), (turns) => {
      const counts = new GatewayCounts(START);
      const rows = stored();
      let [total, own, startedAt, minute] = [0, 0, START, 0];
      for (const { more, restart, minutes, write } of turns) {
        if (restart) [own, startedAt] = [0, startedAt + 1];
        own += more;
        total += more;
        minute += minutes * MINUTE;
        counts.record(figures(own, { startedAt }));
        if (write === 'none') continue;
        const taken = counts.take(minute);
        if (write !== 'lost') rows.write(taken);
        if (write === 'committed') counts.markStored(taken);
        expect(rows.requests).toBeLessThanOrEqual(total);
      }
      rows.write(counts.take(minute));
      expect(rows.requests).toBe(total);
    }),
  );
});
