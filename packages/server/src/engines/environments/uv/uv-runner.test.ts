import { expect, test } from 'vitest';
import { progressNote } from './uv-runner.ts';

test.each([
  ['Resolved 12 packages in 1.20s', 'resolved 12 packages'],
  ['Downloading torch (214.1MiB)', 'downloading torch (214.1MiB)'],
  ['   Building fire==0.7.0', 'building fire==0.7.0'],
  ['Installed 3 packages in 16ms', 'installed 3 packages'],
  [' + numpy==2.1.1', undefined],
  ['warning: something', undefined],
])('for %j returns the note %j', (line, note) => {
  expect(progressNote(line)).toBe(note);
});
