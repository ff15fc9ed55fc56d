import { expect, test } from 'vitest';
import { describeRolloutCheck } from './rollout-texts.ts';

const check = {
  check: 'errors',
  status: 'passing',
  estimate: 0.0123,
  low: -0.002,
  high: 0.0251,
  limit: 0.005,
  alpha: 0.005,
  evidence: 12.3456,
  threshold: 200,
} as const;

test('a check has an estimate with its unit, an interval, a limit and its evidence', () => {
  expect(describeRolloutCheck(check)).toEqual({
    title: 'Error rate increase',
    estimate: '1.23 points',
    interval: '-0.2 to 2.51',
    limit: '0.5 points',
    evidence: '12.3 of 200',
  });
});

test('bounds and estimates can be unknown', () => {
  const latency = { ...check, check: 'latency', estimate: null, low: null, high: 1.25, limit: 1.1 } as const;
  expect(describeRolloutCheck(latency)).toMatchObject({
    estimate: 'unknown',
    interval: 'at most 1.25',
    limit: '1.1 ×',
  });
  expect(describeRolloutCheck({ ...latency, low: 8, high: null })).toMatchObject({ interval: 'at least 8' });
  expect(describeRolloutCheck({ ...latency, high: null })).toMatchObject({ interval: '' });
});
