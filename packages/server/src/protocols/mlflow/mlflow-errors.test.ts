import { DaisError, errorCatalog, type ErrorCode } from '@dais/api';
import { expect, test } from 'vitest';
import { mlflowError } from './mlflow-errors.ts';

const codes = Object.keys(errorCatalog) as ErrorCode[];

test.each(codes.filter((code) => code !== 'invalid_cursor'))(
  '%s names the error; only transient errors are a 5xx, which clients retry for minutes',
  (code) => {
    const error = mlflowError(new DaisError(code, 'the case'));
    const { status, retryable = false } = errorCatalog[code];
    expect(error.body()['message']).toBe('the case');
    expect(error.status >= 500).toBe(status >= 500);
    expect(error.status < 500 || code === 'internal' || retryable).toBe(true);
    expect(error.body()['error_code']).toMatch(/^[A-Z_]+$/);
  },
);

test('the message contains the positions of errors, because clients show only the message', () => {
  const issues = [{ path: 'filter', message: 'ends too early', expected: 'a value' }];
  expect(mlflowError(new DaisError('invalid_request', 'The filter is wrong.', { issues })).message).toBe(
    'The filter is wrong. filter ends too early, expected a value.',
  );
});

test('a cursor that is none is a page token that is none', () => {
  expect(mlflowError(new DaisError('invalid_cursor', '')).message).toBe('Invalid page token, could not base64-decode');
});
