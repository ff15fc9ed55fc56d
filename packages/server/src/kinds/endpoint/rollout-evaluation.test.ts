import { endpointSpec } from '@dais/api/serving';
import { expect, test } from 'vitest';
import { evaluateRollout } from './rollout-evaluation.ts';

const limits = endpointSpec.parse({ model: 'models:/m/1' }).rollout;
const figures = (requests: number, failed = 0, p99Ms: number | null = 5) => ({ requests, failed, p50Ms: 1, p99Ms });
const LONG = limits.bakeSeconds * 1000;

test('it waits for enough requests and for the time of the step', () => {
  expect(evaluateRollout(limits, LONG, figures(49), figures(500)).message).toContain('49 of 50 required requests');
  expect(evaluateRollout(limits, LONG - 1500, figures(50), figures(500))).toMatchObject({ status: 'pending' });
  expect(evaluateRollout(limits, LONG, figures(50), figures(500))).toEqual({
    status: 'passed',
    message: '0 of 50 requests failed, p99 latency 5 ms.',
  });
});

test('failures are compared with those of the running version', () => {
  expect(evaluateRollout(limits, LONG, figures(100, 5), figures(100, 4))).toMatchObject({ status: 'passed' });
  expect(evaluateRollout(limits, LONG, figures(100, 6), figures(100, 4))).toEqual({
    status: 'failed',
    message:
      '6 of 100 requests failed (6 %), compared with 4 % of the active version. The limit for the difference is 1 %.',
  });
});

test('a version that crashes is not waited for', () => {
  expect(evaluateRollout(limits, 0, figures(5, 5), figures(500))).toMatchObject({ status: 'failed' });
  expect(evaluateRollout(limits, 0, figures(4, 4), figures(500))).toMatchObject({ status: 'pending' });
});

test('latency is compared with that of the running version, and small values always pass', () => {
  expect(evaluateRollout(limits, LONG, figures(100, 0, 41), figures(100, 0, 20))).toMatchObject({ status: 'failed' });
  expect(evaluateRollout(limits, LONG, figures(100, 0, 40), figures(100, 0, 20))).toMatchObject({ status: 'passed' });
  expect(evaluateRollout(limits, LONG, figures(100, 0, 9), figures(100, 0, 1))).toMatchObject({ status: 'passed' });
  expect(evaluateRollout(limits, LONG, figures(100, 0, 900), undefined)).toMatchObject({ status: 'passed' });
});
