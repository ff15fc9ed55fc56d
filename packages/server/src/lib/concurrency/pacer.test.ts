import { expect, test } from 'vitest';
import { ManualClock } from '#lib/manual-clock.testing.ts';
import { systemClock } from '#lib/clock.ts';
import { pacer } from './pacer.ts';

test('keeps the pace, and idle time is not accumulated', async () => {
  const pace = pacer(systemClock, 10_000_000);
  const started = Date.now();
  for (let n = 0; n < 20; n += 1) await pace(250_000);
  expect(Date.now() - started).toBeGreaterThan(350);
});

test('a wait ends when the signal is aborted', async () => {
  const stop = new AbortController();
  const pace = pacer(new ManualClock(), 1, stop.signal);
  const waiting = pace(1000);
  stop.abort(new Error('stop'));
  await waiting;
  await expect(pace(1)).rejects.toThrow('stop');
});
