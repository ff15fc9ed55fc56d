import { expect, test } from 'vitest';
import { statusError } from './api-error.ts';
import { WatchBackoff } from './watch-backoff.ts';

const request = { verb: 'watch', path: '/api/v1/pods' };
const gone = statusError({ code: 410 }, request);
const failed = statusError({ code: 500 }, request);
const reset = new Error('ECONNRESET');

test('delays double up to 30 s, between half and all of it', () => {
  const delays = (random: number) => {
    const backoff = new WatchBackoff(() => random);
    return Array.from({ length: 10 }, () => backoff.fail(reset, 0).delayMs);
  };
  expect(delays(1)).toEqual([200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
  expect(delays(0)).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 12_800, 15_000, 15_000]);
});

test('an event, or a watch of several seconds, ends a series', () => {
  const backoff = new WatchBackoff(() => 1);
  for (let count = 0; count < 5; count += 1) backoff.fail(reset, 0);
  backoff.succeed();
  expect(backoff.fail(reset, 0).delayMs).toBe(200);
  expect(backoff.fail(reset, 0).delayMs).toBe(400);
  expect(backoff.fail(reset, 5000).delayMs).toBe(200);
});

test('an expired version lists immediately once, and after a pause when it repeats', () => {
  const backoff = new WatchBackoff(() => 1);
  expect(backoff.fail(gone, 0)).toEqual({ delayMs: 0, relists: true });
  expect(backoff.fail(gone, 0)).toEqual({ delayMs: 400, relists: true });
});

test('network errors resume, and repeated API errors list again', () => {
  const backoff = new WatchBackoff(() => 1);
  const relists = (error: Error) => backoff.fail(error, 0).relists;
  expect([reset, reset, reset, reset].map(relists)).toEqual([false, false, false, false]);
  expect([failed, failed, failed, failed].map(relists)).toEqual([false, false, true, false]);
});

test('Retry-After is observed up to five minutes', () => {
  const after = (seconds: number) => {
    const throttled = statusError({ code: 429, details: { retryAfterSeconds: seconds } }, request);
    return new WatchBackoff(() => 1).fail(throttled, 0).delayMs;
  };
  expect([0, 12, 86_400].map(after)).toEqual([200, 12_000, 300_000]);
});
