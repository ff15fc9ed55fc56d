import { expect, test } from 'vitest';
import { milliseconds, totals, versionOf } from './endpoint-words.ts';

const variant = { name: 'a', model: 'm', refused: 0, inFlight: 0, memoryBytes: 0 };

test('callers see the sum of all variants, and the slowest of them', () => {
  const figures = {
    variants: [
      { ...variant, requests: 90, failed: 1, ratePerSecond: 9, failedPerSecond: 0.1, p50Ms: 2, p99Ms: 5, workers: 1 },
      { ...variant, requests: 10, failed: 2, ratePerSecond: 1, failedPerSecond: 0.2, p50Ms: 8, p99Ms: 20, workers: 2 },
    ],
  };
  expect(totals(figures)).toEqual({
    requests: 100,
    failed: 3,
    ratePerSecond: 10,
    failedPerSecond: 0.3,
    p50Ms: 2,
    p99Ms: 20,
    workers: 3,
  });
  expect(totals({ variants: [] })).toMatchObject({ p50Ms: null, p99Ms: null, ratePerSecond: 0 });
});

test('the serving version is shown by name and number', () => {
  expect(versionOf({ model: 'models:/flights/7', version: '7' })).toEqual({ model: 'flights', version: '7' });
  expect(versionOf({ model: 'runs:/1/model', version: undefined })).toEqual({ model: undefined, version: undefined });
  // A model of another server has no page in the registry.
  expect(versionOf({ model: 'remote:/triton/resnet50/3', version: '3' }).model).toBeUndefined();
  expect(milliseconds(null)).toBe('–');
  expect(milliseconds(1.234)).toBe('1.23 ms');
});
