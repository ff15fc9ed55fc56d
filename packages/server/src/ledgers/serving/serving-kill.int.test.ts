import { setTimeout as delay } from 'node:timers/promises';
import type { UsageRecord } from '@dais/api/usage';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seededRandom } from '#kernel/testing/test-kernel.ts';
import {
  servingKillRounds,
  startServingWorld,
  VICTIMS,
  type ServingWorld,
} from '#testing/serving-kill-rounds.testing.ts';

let world: ServingWorld;
beforeAll(async () => {
  world = await startServingWorld();
});
afterAll(async () => {
  await world?.stop();
});

test(
  'kill -9 under load fails only requests in the killed model process or gateway, and each prediction is recorded once',
  { timeout: 600_000 },
  async () => {
    // Usage compares a report of the gateway every 2 s: the loaded model must be in one before the gateway is killed.
    await delay(5000);
    // serving-kill.full.test.ts kills a hundred times.
    const rounds = 1;
    const victims = Array.from({ length: rounds }, () => VICTIMS).flat();
    const how = { perSecond: 120, withinMs: 300, random: seededRandom(7) };
    const { answered, failed, ...report } = await servingKillRounds(world, victims, how);
    expect(report).toEqual({
      rounds: { worker: rounds, gateway: rounds, control: rounds, database: rounds },
      problems: [],
    });
    expect(failed).toMatchObject({ control: 0, database: 0 });
    expect(answered).toBeGreaterThan(100);
    // The interval of the killed gateway ended when it was last seen, and no two intervals overlap.
    const records = async () =>
      (await world.client.call('GET', '/api/v1/usage/records?type=replica')).body['items'] as UsageRecord[];
    // On a busy machine the gateway may have been killed before its model was in a report: then the next one is killed as well.
    for (let more = 0; more < 3 && (await records()).length === 0; more += 1) {
      await delay(10_000);
      if ((await records()).length === 0) await servingKillRounds(world, ['gateway'], how);
    }
    await expect.poll(async () => (await records()).length, { interval: 500 }).toBeGreaterThan(0);
    const intervals = (await records()).toReversed();
    expect(new Set(intervals.map(({ resource }) => resource))).toEqual(new Set(['Endpoint/scaled']));
    for (const [at, { startedAt }] of intervals.entries()) {
      expect(Date.parse(startedAt)).toBeGreaterThanOrEqual(Date.parse(intervals[at - 1]?.endedAt ?? startedAt));
    }
  },
);
