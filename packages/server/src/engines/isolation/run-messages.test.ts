import { expect, test } from 'vitest';
import { bytesText, limitReason } from './run-messages.ts';

test('sizes have a unit and at most four digits', () => {
  expect([2 ** 31, 512 * 2 ** 20, 1.5 * 2 ** 30, 4096].map(bytesText)).toEqual([
    '2 GiB',
    '512 MiB',
    '1.5 GiB',
    '4 KiB',
  ]);
});

test('a limit is reported with its value', () => {
  expect(limitReason('python-model', 'memory', { memoryBytes: 2 ** 31 })).toBe(
    "The model's process used more than its memory limit of 2 GiB and was terminated",
  );
  expect(limitReason('conversion', 'wall-time', { wallMs: 90_000 })).toBe(
    'The conversion exceeded its time limit of 90 s and was terminated',
  );
});
