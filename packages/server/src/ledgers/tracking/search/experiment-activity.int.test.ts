import type { Run } from '@dais/api/tracking';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTrackingWorld, type TrackingWorld } from '../testing/tracking-world.ts';

let world: TrackingWorld;

beforeAll(async () => {
  world = await startTrackingWorld();
});
afterAll(async () => await world?.stop());

test('counts runs that are not deleted, with the start of the last one', async () => {
  const { dais } = world;
  const [busy, quiet, silent] = [await world.experiment(), await world.experiment(), await world.experiment()];
  for (const startedAt of [3000, 9000, 5000]) await dais.call('run.create', { experimentId: busy, startedAt });
  const ended = await dais.call<Run>('run.create', { experimentId: busy, startedAt: 1 });
  await dais.call('run.update', { id: ended.id, status: 'FINISHED' });
  const gone = await dais.call<Run>('run.create', { experimentId: busy, startedAt: 10_000 });
  await dais.call('run.delete', { id: gone.id });
  await dais.call('run.create', { experimentId: silent });
  const { items } = await dais.call<{ items: readonly { readonly id: string }[] }>('experiment.activity', {
    ids: [quiet, silent, busy, '999999'],
  });
  expect(items.toSorted((a, b) => Number(a.id) - Number(b.id))).toEqual([
    { id: busy, runs: 4, running: 3, lastStartedAt: 9000 },
    { id: silent, runs: 1, running: 1 },
  ]);
  expect(await dais.call('experiment.activity', { ids: [] })).toEqual({ items: [] });
});
