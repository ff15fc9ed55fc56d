import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { PredictionErasure } from '@dais/api/serving';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Transaction } from '#kernel/transaction.ts';
import { silentLog } from '#lib/log.ts';
import { Collector } from './collect.ts';
import { predictionsLedger, type PredictionsLedger } from './index.ts';
import { NodeCollections } from './node-collections.ts';
import { SegmentWriter } from './segment.ts';
import { ack, startPredictionsWorld, texts, type PredictionsWorld } from './testing/predictions-world.ts';

let world: PredictionsWorld;
const [a, b] = [randomUUID(), randomUUID()];
let running: PredictionsLedger[] = [];
let writer: SegmentWriter;

/** What a node is opened with. It collects only when another node asks. */
const node = (id: string) => ({
  ...world.dependencies,
  spool: join(world.root, id),
  folder: join(world.root, `work-${id}`),
  collectMs: 600_000,
  waitMs: 60_000,
  self: { id: () => id, liveCount: () => 2, liveGateways: () => 2, hasGateway: true },
});

async function start(id: string): Promise<void> {
  const ledger = predictionsLedger(node(id));
  await ledger.start();
  running.push(ledger);
}

const collections = (more: object = {}) => {
  const dependencies = { ...node(a), ...more };
  return new NodeCollections(dependencies, new Collector(dependencies));
};
const { signal } = new AbortController();

beforeAll(async () => {
  world = await startPredictionsWorld({ jobs: false });
});
beforeEach(async () => {
  for (const [at, id] of [a, b].entries()) {
    await world.db.asAdmin(`insert into nodes.node (id, holder, host, role, version, gateway, started_at, contacted_at)
      values ('${id}', '${randomUUID()}', 'host-${at}', 'all', '0.1.0', ${at}, now(), now())`);
  }
  writer = new SegmentWriter({ folder: join(world.root, b, '1'), gateway: '1', now: Date.now, log: silentLog });
});
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop();
  await writer.close();
  await world.db.asAdmin('delete from nodes.node');
  await world.db.asAdmin('delete from predictions.collection');
});
afterAll(async () => {
  await world.stop();
});

/** A prediction that the gateway of node b captured. */
async function captureAtB(name: string): Promise<string> {
  const template = await world.record(name, { inputs: [texts('customer', '4711')] });
  const id = template.id.slice(0, -4) + 'beef';
  await writer.append({ ...template, id }, ack);
  return id;
}

const found = async (name: string) =>
  (
    await world.dais.call<{ rows: [string][] }>('prediction.query', {
      endpoint: name,
      sql: 'select prediction_id from predictions',
    })
  ).rows.map(([id]) => id);

test('work that needs all predictions waits until the other live nodes have collected', async () => {
  const name = await world.endpoint();
  const id = await captureAtB(name);
  await start(b);
  expect(await collections().collectEverywhere(signal)).toEqual({ late: [], gone: [] });
  expect(await found(name)).toContain(id);
});

test('the wait is limited, and names a live node that does not collect', async () => {
  expect(await collections({ waitMs: 300 }).collectEverywhere(signal)).toEqual({ late: ['host-1'], gone: [] });
  const waiting = collections().collectEverywhere(signal);
  await start(b);
  expect(await waiting).toEqual({ late: [], gone: [] });
});

test('a collection counts for all times before it', async () => {
  await start(b);
  await collections().collectEverywhere(signal);
  for (const one of running.splice(0)) await one.stop();
  const earlier = Date.now() - 60_000;
  expect(await collections().collectEverywhere(signal, earlier)).toEqual({ late: [], gone: [] });
  expect((await collections({ waitMs: 300 }).collectEverywhere(signal)).late).toEqual(['host-1']);
});

test('a node that does not run is not waited for, and is named; a node without a gateway is neither', async () => {
  await world.db.asAdmin(`update nodes.node set contacted_at = now() - interval '31 seconds' where id = '${b}'`);
  const { late, gone } = await collections().collectEverywhere(signal);
  expect(late).toEqual([]);
  expect(gone).toMatchObject([{ id: b, host: 'host-1', isLive: false }]);
  await world.db.asAdmin(`update nodes.node set role = 'controller' where id = '${b}'`);
  expect(await collections().collectEverywhere(signal)).toEqual({ late: [], gone: [] });
});

test('an erasure ends after all live nodes have collected, and is repeated when a node that did not run has collected', async () => {
  const name = await world.endpoint();
  await captureAtB(name);
  const erase = async () =>
    await world.dais.call<PredictionErasure>('prediction.erase', {
      endpoint: name,
      column: 'in_customer',
      value: '4711',
      reason: 'requested',
    });
  const read = async (id: string) =>
    await world.dais.call<PredictionErasure>('predictionErasure.get', { endpoint: name, id });
  const first = await erase();
  const run = async (erasure: string, waitMs = 60_000) => {
    const [, handler] = predictionsLedger({ ...node(a), waitMs }).jobs;
    const [row] = await world.db.asAdmin(`select project_id from predictions.erasure where id = '${erasure}'`);
    const projectId = String(row?.['project_id']);
    const inProject = async (work: (tx: Transaction) => Promise<unknown>) =>
      await world.dais.write(async (tx) => {
        await tx.enter(projectId);
        return await work(tx);
      });
    const io = { signal, read: inProject, write: inProject };
    const job = { payload: { erasure }, projectId };
    await handler?.run(job as never, io as never);
  };
  await expect(run(first.id, 300)).rejects.toThrow('host-1');
  expect(await read(first.id)).toMatchObject({ state: 'pending', error: expect.stringContaining('host-1') as string });
  await start(b);
  await run(first.id);
  const done = await read(first.id);
  // The other prediction is on the disk of a node that this test does not have.
  expect(done).toMatchObject({ state: 'succeeded', rows: 1 });
  expect(done.error).toBeUndefined();
  expect(done.missingNodes).toBeUndefined();
  for (const one of running.splice(0)) await one.stop();
  await captureAtB(name);
  await world.db.asAdmin(`update nodes.node set stopped = true where id = '${b}'`);
  const values = async () => await world.db.asAdmin('select value from predictions.erasure where value is not null');
  const second = await erase();
  await run(second.id);
  expect(await read(second.id)).toMatchObject({ state: 'succeeded', rows: 0, missingNodes: ['host-1'] });
  expect(await values()).toEqual([{ value: '4711' }]);
  // It runs again: the erasure is repeated for its predictions.
  await world.db.asAdmin(`update nodes.node set stopped = false where id = '${b}'`);
  await start(b);
  await expect.poll(async () => (await read(second.id)).state).toBe('pending');
  await run(second.id);
  const repeated = await read(second.id);
  expect(repeated).toMatchObject({ state: 'succeeded', rows: 1 });
  expect([repeated.missingNodes, await values()]).toEqual([undefined, []]);
  // The value of an erasure is forgotten when its missing node has been removed.
  for (const one of running.splice(0)) await one.stop();
  await world.db.asAdmin(`update nodes.node set stopped = true where id = '${b}'`);
  const third = await erase();
  await run(third.id);
  const [maintenance] = predictionsLedger(node(a)).jobs;
  const write = async (work: (tx: Transaction) => Promise<unknown>) => await world.dais.write(work);
  const io = { signal, read: write, write };
  await maintenance?.run({} as never, io as never);
  expect(await values()).toHaveLength(1);
  await world.db.asAdmin(`delete from nodes.node where id = '${b}'`);
  await maintenance?.run({} as never, io as never);
  expect(await values()).toEqual([]);
  expect(await read(third.id)).toMatchObject({ state: 'succeeded', missingNodes: ['host-1'] });
});
