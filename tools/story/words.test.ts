import { expect, test } from 'vitest';
import { withoutIsolation } from './training.mjs';
import { retrainingTitle } from './words.mjs';

test('the chapter of the second training names the trigger', () => {
  const decision = { outcome: 'started', reason: 'drift', pipeline: 'nyc-late' };
  expect(retrainingTitle({ ...decision, run: '1' })).toMatch(/^6\. Retraining: the alert starts/);
  expect(retrainingTitle({ ...decision, outcome: 'failed' })).toMatch(/^6\. Retraining: the alert cannot start/);
});

test('the notice without isolation has the reason that the server reports, and the remedy', () => {
  const isolation = { boundary: 'none', reason: 'no program bwrap was found', remedy: 'Install bubblewrap.' } as const;
  const text = withoutIsolation(isolation).join('\n');
  expect(text).toContain('This machine cannot isolate commands: no program bwrap was found.');
  expect(text).toContain('Install bubblewrap.');
  expect(text).toContain('schedules and alerts start nothing here');
});
