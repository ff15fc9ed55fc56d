import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { PredictionRows } from '@dais/api/serving';
import { linesUntilKilled } from '#lib/system/killed-worker.testing.ts';
import type { CollectorSetup, WriterSetup } from './testing/killed-workers.testing.ts';
import { startPredictionsWorld, type PredictionsWorld } from './testing/predictions-world.ts';

const module = new URL('./testing/killed-workers.testing.ts', import.meta.url);
let world: PredictionsWorld;

beforeAll(async () => {
  world = await startPredictionsWorld({ jobs: false });
});
afterAll(async () => {
  await world.stop();
});

async function idsOf(endpoint: string): Promise<readonly string[]> {
  const sql = 'select prediction_id from predictions';
  const { rows } = await world.dais.call<PredictionRows>('prediction.query', { endpoint, sql, limit: 100_000 });
  return rows.map(([id]) => String(id));
}

it('kill -9 of a gateway loses no acknowledged prediction', { timeout: 600_000 }, async () => {
  const name = await world.endpoint();
  const { inputs: _inputs, outputs: _outputs, ...record } = await world.record(name);
  const acknowledged = new Set([record.id]);
  for (let round = 0; round < 3; round++) {
    const setup: WriterSetup = {
      folder: join(world.dependencies.spool, 'killed'),
      record,
      prefix: `${record.id.slice(0, -8)}000${round + 1}`,
    };
    const lines = await linesUntilKilled<{ id: string }>({
      module,
      name: 'writeContinuously',
      setup,
      killAfter: 200 + round * 77,
    });
    for (const { id } of lines) acknowledged.add(id);
  }
  const found = await idsOf(name);
  expect(new Set(found).size).toBe(found.length);
  expect([...acknowledged].filter((id) => !found.includes(id))).toEqual([]);
});

it('kill -9 of the collector at any point leaves each prediction in one file', { timeout: 600_000 }, async () => {
  const name = await world.endpoint();
  const sent = new Set<string>();
  const killing = new AbortController();
  const writing = (async () => {
    while (!killing.signal.aborted) {
      sent.add((await world.record(name)).id);
      await sleep(5);
    }
  })();
  const setup: CollectorSetup = { connection: world.db.connection, root: world.root };
  // Around reading positions, the upload's row, its end, and the transaction that commits; then in later rounds.
  for (const killAfter of [5, 9, 11, 12, 20]) {
    await linesUntilKilled({ module, name: 'collectContinuously', setup, killAfter });
  }
  killing.abort();
  await writing;
  const found = await idsOf(name);
  expect(found.toSorted()).toEqual([...sent].toSorted());
});
