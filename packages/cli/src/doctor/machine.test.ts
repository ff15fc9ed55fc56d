import { expect, test } from 'vitest';
import { checkMemory, diskFinding } from '#doctor/machine.ts';

const GIB = 1024 ** 3;

test.each([
  [100, 1_000_000, 'ok'],
  [3, 1_000_000, 'warning'],
  [0.5, 1_000_000, 'problem'],
  [100, 5000, 'problem'],
])('%s GiB and %s files free: %s', (free, files, want) => {
  expect(diskFinding('/data', free * GIB, 200 * GIB, files, 2_000_000).state).toBe(want);
});

test('a file system that does not count files is not full of them', () => {
  expect(diskFinding('/data', 100 * GIB, 200 * GIB, 0, 0).state).toBe('ok');
});

test('memory', () => {
  expect(checkMemory(8 * GIB, 4 * GIB)).toEqual({ name: 'memory', state: 'ok', detail: '4.0 GiB free of 8.0 GiB' });
  expect(checkMemory(2 * GIB, GIB / 2).state).toBe('warning');
});
