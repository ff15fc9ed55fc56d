import { expect, test } from 'vitest';
import { ramp } from './ramp.ts';

const figures = (requests: number, failed: number, p99Ms: number | null) => ({ requests, failed, p50Ms: p99Ms, p99Ms });
const step = (number: number, weight: number, from: string, to: string | undefined) => ({
  number,
  weight,
  startedAt: from,
  ...(to !== undefined && { endedAt: to }),
  status: to === undefined ? ('pending' as const) : ('passed' as const),
  message: '',
});

test('a step is as wide as its duration, a short one stays visible, and future ones come last', () => {
  const steps = [
    step(0, 0, '2026-01-01T00:00:00Z', '2026-01-01T00:00:01Z'),
    {
      ...step(1, 10, '2026-01-01T00:00:01Z', undefined),
      canary: figures(100, 1, 8),
      stable: figures(900, 0, 4),
    },
  ];
  const drawn = ramp({ state: 'running', weights: [10, 50, 100], steps }, Date.parse('2026-01-01T00:10:01Z'));
  expect(drawn.map(({ weight, status }) => [weight, status])).toEqual([
    [0, 'passed'],
    [10, 'pending'],
    [50, undefined],
    [100, undefined],
  ]);
  expect(drawn[1]?.seconds).toBe(600);
  expect(drawn.reduce((sum, { width }) => sum + width, 0)).toBeCloseTo(1);
  expect(Math.min(...drawn.map(({ width }) => width))).toBeGreaterThan(0.09);
  expect(drawn[1]).toMatchObject({
    failed: { canary: { value: 0.01, height: 1 }, stable: { value: 0, height: 0 } },
    p99: { canary: { value: 8, height: 1 }, stable: { value: 4, height: 0.5 } },
  });
});

test('without requests there are no values, and an ended rollout has no future steps', () => {
  const steps = [{ ...step(0, 10, '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z'), canary: figures(0, 0, null) }];
  const drawn = ramp({ state: 'aborted', weights: [10, 100], steps }, 0);
  expect(drawn).toHaveLength(1);
  expect(drawn[0]).toMatchObject({ width: 1, failed: { canary: undefined }, p99: { canary: undefined } });
});
