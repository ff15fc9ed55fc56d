import { expect, test } from 'vitest';
import { uvFailure } from './uv-failure.ts';

const failed = (stderr: string, timedOut = false, refusals: readonly string[] = [], exitCode = 1) =>
  uvFailure(
    'Resolving',
    { code: exitCode, timedOut, stdout: Buffer.alloc(0), stderr },
    { redact: (text) => text.replaceAll('hunter2', '***'), refusals },
  );

test('a refusal of the outbound guard is the reason, whatever uv reports', () => {
  const refusals = Array.from({ length: 7 }, (_, n) => `Connection to 10.0.0.${n}:80 was refused.`);
  const { code, message } = failed('error: HTTP status client error (403 Forbidden)', false, refusals);
  expect(code).toBe('address_refused');
  expect(message).toMatch(/^Resolving failed\. Connection to 10\.0\.0\.0:80 was refused\./);
  expect(message.match(/was refused/g)).toHaveLength(5);
});

test.each([
  ['error: dns error\n  cause: failed to lookup address', 'upstream_failed'],
  ['error: Request failed after 3 retries\n  cause: client error (Connect)', 'upstream_failed'],
  ['error: HTTP status server error (503 Service Unavailable) for url', 'upstream_failed'],
  ['error: HTTP status client error (429 Too Many Requests) for url', 'upstream_failed'],
  ['error: HTTP status client error (404 Not Found) for url', 'invalid_request'],
  ['error: Failed to fetch\n  cause: Request failed after 3 retries\n  cause: error reading a body', 'upstream_failed'],
  ['error: Failed to download distribution due to network timeout.', 'upstream_failed'],
  ['error: Failed to fetch\n  cause: error decoding response body', 'upstream_failed'],
  ['error: failed to write\n  cause: No space left on device (os error 28)', 'storage_full'],
  ['error: No solution found when resolving dependencies', 'invalid_request'],
])('%j is %s', (stderr, code) => {
  expect(failed(stderr).code).toBe(code);
});

test('can succeed in another attempt after a signal ended uv', () => {
  const { code, message } = failed('', false, [], 137);
  expect(code).toBe('upstream_failed');
  expect(message).toMatch(/^Resolving failed because uv was ended by signal 9/);
});

test('reports a time limit', () => {
  expect(failed('', true)).toMatchObject({ code: 'upstream_failed', message: expect.stringContaining('time limit') });
});

test('contains the complete message of uv without progress lines and secrets', () => {
  const { message } = failed('warning: Failed to inspect Python\n  stderr\nerror: a hunter2\n  cause: b\n\nhint: c\n');
  expect(message).toBe('Resolving failed.\nuv reported:\nerror: a ***\n  cause: b\n\nhint: c');
});

test.each([
  ['sklearn', 'scikit-learn'],
  ['pandsa', 'pandas'],
  ['PIL', 'pillow'],
  ['tensorflwo', 'tensorflow'],
])('for %s suggests %s', (written, meant) => {
  const { message } = failed(`error: Because ${written} was not found in the package registry and you require it`);
  expect(message).toContain(`Did you mean ${meant}?`);
});

test('suggests nothing for an unknown name', () => {
  expect(failed('error: Because our-own-thing was not found in the package registry').message).not.toContain('mean');
});
