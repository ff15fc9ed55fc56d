/** A hundred kills at chosen moments, and ten minutes of rollouts; `DAIS_SERVING_KILLS` and `DAIS_SOAK_SECONDS` shorten them. */
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { seededRandom } from '#kernel/testing/test-kernel.ts';
import {
  capturedProblems,
  factorOf,
  servingKillRounds,
  startServingWorld,
  VICTIMS,
  type ServingWorld,
} from '#testing/serving-kill-rounds.testing.ts';
import { isServing } from '#testing/serving-client.ts';
import { ServingLoad } from '#testing/serving-load.testing.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    readonly servingKills: number;
    readonly soakSeconds: number;
  }
}

const ROLLOUT_EACH_MS = 20_000;
/** A limit against hanging, of a busy machine. */
const PATIENCE_MS = 7_200_000;

let world: ServingWorld;
beforeAll(async () => {
  world = await startServingWorld();
});
afterAll(async () => {
  await world?.stop();
});

test('consecutive rollouts: no request fails, and each is recorded once', { timeout: PATIENCE_MS }, async () => {
  const { client, target } = world;
  const spec = {
    model: 'models:/m/1',
    // A busy machine must not look like a slow model.
    rollout: { steps: [20, 100], bakeSeconds: 1, minimumRequests: 5, latencyMs: 600_000 },
  };
  const manifest = { apiVersion: 'dais.dev/v1', kind: 'Endpoint', metadata: { name: 'scaled' }, spec };
  expect(await client.call('PUT', '/api/v1/endpoints/scaled', manifest)).toMatchObject({ status: 200 });
  await client.register('m', 3, { example: { inputs: [[1]] } });
  const load = new ServingLoad({ ...target, perSecond: 150, kept: 0.5, factorOf });
  const ends: { readonly to: string; readonly state: string }[] = [];
  const until = performance.now() + inject('soakSeconds') * 1000;
  try {
    for (let next = performance.now(); next < until; next = Math.max(next + ROLLOUT_EACH_MS, performance.now())) {
      await delay(Math.max(0, next - performance.now()));
      const model = `models:/m/${ends.length % 2 === 0 ? 2 : 1}`;
      const path = '/api/v1/serving/endpoints/scaled/deploy';
      expect(await client.call('POST', path, { model })).toMatchObject({ status: 202 });
      const answers = (name: string, seen: string) => name === 'stable' && seen === model;
      await client.settled(
        'scaled',
        (status) => isServing(status) && status.variants?.some((one) => answers(one.name, one.model)) === true,
      );
      ends.push((await client.lastRollout('scaled')) as unknown as (typeof ends)[number]);
    }
  } finally {
    await load.stop();
  }
  process.stdout.write(`${ends.length} rollouts, ${load.answered} requests\n`);
  expect(load.failures).toEqual([]);
  expect(ends.filter(({ state }) => state !== 'promoted')).toEqual([]);
  expect(ends.length).toBeGreaterThan(0);
  expect(await capturedProblems(client, load)).toEqual([]);
});

test('kill -9 a hundred times under load fails only active requests', { timeout: PATIENCE_MS }, async () => {
  const seed = Date.now() % 1_000_000;
  // The times of the kills differ between runs; the seed reproduces them.
  process.stdout.write(`seed ${seed}\n`);
  const random = seededRandom(seed);
  const victims = Array.from(
    { length: inject('servingKills') },
    () => VICTIMS[Math.floor(random() * VICTIMS.length)] ?? 'gateway',
  );
  const onRound = (victim: string, ms: number) =>
    void process.stdout.write(`${victim}: all was well after ${ms.toFixed(0)} ms\n`);
  const how = { perSecond: 150, withinMs: 500, random, onRound };
  const { problems, ...report } = await servingKillRounds(world, victims, how);
  process.stdout.write(`${JSON.stringify(report)}\n`);
  expect(problems).toEqual([]);
  expect(report.failed).toMatchObject({ control: 0, database: 0 });
  expect(report.answered).toBeGreaterThan(victims.length * 20);
});
