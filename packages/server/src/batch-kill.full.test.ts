import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatasetVersion } from '@dais/api/data';
import type { ModelJob } from '@dais/api/serving';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { batchClient } from './testing/batch-client.ts';
import { KILL_TIMEOUT, KillableDais } from './testing/killable-dais.ts';
import { servingClient } from './testing/serving-client.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-batch-kill-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

const ROWS = 100_000;
/** A limit against hanging: after each kill a lease of 30 s has to run out. */
const PATIENCE_MS = 1_800_000;

test(
  'kill -9 of everything in the middle of a batch prediction: parts that are done stay done, and there is one version',
  async () => {
    // 1: each kill ends the whole process tree.
    const dais = await KillableDais.start(folder, () => 1);
    const batch = batchClient(async (method, path, body) => await dais.call(method, path, body));
    await servingClient(dais.url).register('doubled', 2);
    const rows = Array.from({ length: ROWS }, (_, id) => `${id},${id / 4}\n`);
    await batch.push('trips', `id,x\n${rows.join('')}`);
    const { id } = await batch.start({ model: 'models:/doubled/1', data: 'trips@1', out: 'scored' });
    const seen = async (is: (job: ModelJob) => boolean) =>
      await vi.waitUntil(
        async () => {
          const job = await batch.get(id).catch(() => undefined);
          return job !== undefined && is(job) ? job : undefined;
        },
        { ...KILL_TIMEOUT, interval: 20 },
      );

    const before = await seen(({ shards }) => shards.done >= 1);
    expect(before.shards.done).toBeLessThan(before.shards.total);
    await dais.kill(0);
    const between = await seen(({ attempts, shards }) => attempts >= 2 && shards.done > before.shards.done);
    expect(between.shards.total).toBe(before.shards.total);
    await dais.kill(0);

    const done = await batch.ended(id);
    expect(done).toMatchObject({ state: 'succeeded', rows: { done: ROWS, total: ROWS }, output: { version: 1 } });
    expect(done.attempts).toBeGreaterThanOrEqual(2);
    const { items } = await dais.call<{ items: DatasetVersion[] }>('GET', '/data/datasets/scored/versions');
    expect(items.map(({ number, rows: count, state }) => [number, count, state])).toEqual([[1, ROWS, 'ready']]);
    const sql = 'select count(*), count(distinct id), sum(abs(y - 2 * x)) from "scored@1"';
    expect(await batch.query(sql)).toEqual([[ROWS, ROWS, 0]]);
    expect(await dais.stop()).toBe(0);
    expect(await dais.leftContent()).toEqual({ unowned: 0, missing: 0 });
    expect(dais.problems).toEqual([]);
  },
  PATIENCE_MS,
);
