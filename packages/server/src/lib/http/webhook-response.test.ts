import { expect, test } from 'vitest';
import { evaluateResponse, parseRetryAfter } from './webhook-response.ts';

const now = Date.parse('2026-11-25T10:00:00Z');

test('only transient failures are retried', () => {
  const tried = (status: number) => {
    const outcome = evaluateResponse(status, undefined, now);
    return outcome.ok ? 'ok' : outcome.retryable;
  };
  for (const status of [200, 204, 299]) expect(tried(status)).toBe('ok');
  for (const status of [408, 425, 429, 500, 503]) expect(tried(status)).toBe(true);
  for (const status of [301, 400, 404, 410]) expect(tried(status)).toBe(false);
});

test('Retry-After in seconds, as a date, as neither', () => {
  expect(parseRetryAfter('Wed, 25 Nov 2026 10:00:30 GMT', now)).toBe(30_000);
  expect(parseRetryAfter('Wed, 25 Nov 2026 09:00:00 GMT', now)).toBe(0);
  expect(parseRetryAfter('5', now)).toBe(5000);
  expect(parseRetryAfter('999999', now)).toBe(3_600_000);
  expect(parseRetryAfter('soon', now)).toBeUndefined();
  expect(evaluateResponse(503, '2', now)).toMatchObject({ retryAfterMs: 2000 });
  expect(evaluateResponse(400, '2', now)).not.toHaveProperty('retryAfterMs');
});
