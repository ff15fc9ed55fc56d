import { DaisError } from '@dais/api';
import { expect, test } from 'vitest';
import { Quotas } from './quotas.ts';

const refusal = (work: () => void) => {
  try {
    work();
    return undefined;
  } catch (error) {
    return error instanceof DaisError ? { code: error.code, after: error.retryAfter } : error;
  }
};

test('an even rate is never rejected, and a burst gets the tokens of one second', () => {
  const quotas = new Quotas();
  quotas.replace([{ project: 'a', perSecond: 10 }]);
  for (let at = 0; at < 100; at++) quotas.take('a', 'ada', at * 100);
  quotas.replace([{ project: 'a', perSecond: 10 }]);
  const later = 1_000_000;
  for (let at = 0; at < 10; at++) quotas.take('a', 'ada', later);
  expect(refusal(() => quotas.take('a', 'ada', later))).toEqual({ code: 'rate_limited', after: 1 });
  expect(refusal(() => quotas.take('a', 'ada', later + 100))).toBeUndefined();
});

test('an excessive caller does not affect others; rejected requests are not counted', () => {
  const quotas = new Quotas();
  quotas.replace([{ project: 'a', perSecond: 4, perCallerPerSecond: 2 }]);
  for (let at = 0; at < 50; at++) refusal(() => quotas.take('a', 'eve', 0));
  expect(refusal(() => quotas.take('a', 'ada', 0))).toBeUndefined();
  expect(refusal(() => quotas.take('a', 'ada', 0))).toBeUndefined();
  expect(refusal(() => quotas.take('a', 'bob', 0))).toMatchObject({ code: 'rate_limited' });
  expect(refusal(() => quotas.take('b', 'eve', 0))).toBeUndefined();
});

test('a rate below one per second returns a retry delay that suffices', () => {
  const quotas = new Quotas();
  quotas.replace([{ project: 'a', perCallerPerSecond: 0.1 }]);
  quotas.take('a', 'ada', 0);
  expect(refusal(() => quotas.take('a', 'ada', 1000))).toMatchObject({ after: 9 });
  expect(refusal(() => quotas.take('a', 'ada', 10_000))).toBeUndefined();
});

test('the memory of many callers is limited: the last one is not forgotten', () => {
  const quotas = new Quotas();
  quotas.replace([{ project: 'a', perCallerPerSecond: 1 }]);
  for (let at = 0; at < 30_000; at++) quotas.take('a', `caller ${at}`, 0);
  expect(refusal(() => quotas.take('a', 'caller 29999', 0))).toMatchObject({ code: 'rate_limited' });
});
