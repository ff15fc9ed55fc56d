/**
 * Kills a Dais while it collects a large output of a run that is canceled before, during or after the collection: the
 * collection does not restart, the run ends or is deleted, and no part of the output remains.
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seededRandom } from '#kernel/testing/test-kernel.ts';
import { killTree, startDaisProcess, type DaisProcess } from './testing/dais-process.ts';
import { executionClient } from './testing/execution-client.ts';

const PATIENCE = { timeout: 60_000, interval: 20 };
/** Sparse on the disk of the step. As zeros in the store, its copy takes longer than any delay here. */
const STEP = { command: ['sh', '-c', 'truncate -s 9G o'], isolation: 'none' as const, outputs: { o: { path: 'o' } } };

let base: string;
let dais: DaisProcess;
let url: string;
const client = executionClient(() => url);

const filesIn = async (...names: string[]) => (await readdir(join(base, 'data', ...names))).length;
const collecting = async () => (await filesIn('blobs', 'tmp')) > 0;
const remains = async () => [await filesIn('blobs', 'tmp'), await filesIn('compute', 'tasks')];

async function launch(): Promise<void> {
  dais = startDaisProcess({ data: join(base, 'data'), 'keys.folder': join(base, 'keys') });
  url = await dais.ready;
}

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'dais-collection-'));
  await launch();
});
afterAll(async () => {
  dais?.process.kill('SIGTERM');
  await dais?.ended;
  await rm(base, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

test('a collection that was killed restarts, and cancel ends it', { timeout: 300_000 }, async () => {
  const { id } = await client.submit({ main: STEP });
  await expect.poll(collecting, PATIENCE).toBe(true);
  await killTree(dais);
  await launch();
  await expect.poll(collecting, PATIENCE).toBe(true);
  const from = performance.now();
  await client.cancel(id);
  expect((await client.ended(id)).state).toBe('canceled');
  expect(performance.now() - from).toBeLessThan(5000);
  await expect.poll(remains, PATIENCE).toEqual([0, 0]);
});

test.each([false, true])(
  'canceled, killed at any moment (and deleted before: %s), it does not restart',
  { timeout: 300_000 },
  async (isDeleted) => {
    const random = seededRandom(isDeleted ? 21 : 22);
    const { id } = await client.submit({ main: STEP });
    await expect.poll(collecting, PATIENCE).toBe(true);
    await delay(random() * 300);
    await client.cancel(id);
    if (isDeleted) await fetch(`${url}/api/v1/executions/${id}`, { method: 'DELETE' });
    await delay(random() * 60);
    await killTree(dais);
    const before = await filesIn('blobs', 'tmp');
    let most = before;
    const watch = setInterval(() => void filesIn('blobs', 'tmp').then((count) => (most = Math.max(most, count))), 5);
    await launch();
    const state = async () => {
      const answer = await fetch(`${url}/api/v1/executions/${id}`);
      return answer.ok ? ((await answer.json()) as { state: string }).state : answer.status;
    };
    await expect.poll(state, PATIENCE).toBe(isDeleted ? 404 : 'canceled');
    await expect.poll(remains, PATIENCE).toEqual([0, 0]);
    clearInterval(watch);
    // The store writes one file to see that it can, when it starts.
    expect(most).toBeLessThanOrEqual(before + 1);
  },
);
