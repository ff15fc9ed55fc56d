import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ClaimedWork } from './claimed-work.ts';

function blocked(stops: unknown[]) {
  return async ({ signal }: AbortController) => {
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve());
    });
    stops.push(signal.reason);
  };
}

test('work that is claimed again stops under its earlier claim; others go on', async () => {
  let ends = 0;
  const work = new ClaimedWork(() => (ends += 1));
  const stops: unknown[] = [];
  const lost = new Error('lost');
  work.start('a', 'queue', lost, blocked(stops));
  work.start('b', 'other', lost, blocked(stops));
  work.start('a', 'queue', lost, blocked(stops));
  await turn();
  expect(stops).toEqual([lost]);
  expect([work.size, work.sizeOf('queue'), work.sizeOf('other'), ends]).toEqual([2, 1, 1, 1]);
  const stopping = new Error('stopping');
  work.abort(stopping);
  await work.idle();
  expect(stops).toEqual([lost, stopping, stopping]);
  expect([work.size, ends]).toEqual([0, 3]);
});
