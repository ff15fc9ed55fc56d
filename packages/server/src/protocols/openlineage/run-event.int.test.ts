import { randomBytes } from 'node:crypto';
import { lineageEventSchema } from '@dais/api/lineage';
import type { Run } from '@dais/api/tracking';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openOutbound } from '#control/open-outbound.ts';
import { loadKinds, loadSlices } from '#compose.ts';
import { loadLineage } from '#compose/event-ledgers.ts';
import { loadTracking } from '#compose/runs.ts';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { openEnvKeys } from '#engines/keys/env/env-keys.ts';
import { startTestKernel, type TestKernel } from '#kernel/testing/test-kernel.ts';
import { startReceiver, type Receiver } from '#ledgers/webhooks/testing/webhook-receiver.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import { problemOf } from './event-facts.ts';

let database: TestDatabase;
let outbound: Outbound;
let to: Receiver;
let dais: TestKernel;
let start: () => Promise<TestKernel>;
const PATIENCE = { timeout: 60_000 };

beforeAll(async () => {
  to = await startReceiver();
  outbound = await openOutbound({ allowHosts: [] }, '0');
  const keys = openEnvKeys(randomBytes(32).toString('base64'));
  const { kinds, entries } = await loadKinds({ keys, outbound, clock: systemClock });
  database = await startTestDatabase(await loadSlices(kinds));
  const tracking = await loadTracking({ clock: systemClock, random: randomBytes });
  const emission = {
    url: to.url,
    apiKey: 'the key',
    namespace: 'dais',
    outbound,
    clock: systemClock,
    log: silentLog,
  };
  const lineage = await loadLineage({ days: 400, now: () => systemClock.now(), emission });
  start = async () =>
    await startTestKernel(database, {
      kinds,
      entries: [...entries, ...tracking.entries, ...lineage.entries],
      jobs: lineage.jobs,
      subscribers: lineage.subscribers,
    });
  dais = await start();
  // A subscriber starts at the present: from its first pass on it receives every event.
  await vi.waitFor(async () => {
    const rows = await database.asAdmin(`select 1 as one from kernel.subscription where name = 'lineage-events'`);
    if (rows.length === 0) throw new Error('the subscriber has not begun');
  }, PATIENCE);
});
afterAll(async () => {
  await dais?.stop();
  await database?.stop();
  await to?.close();
  await outbound?.close();
});

interface Emitted {
  readonly eventType: string;
  readonly run: { readonly runId: string; readonly facets: Readonly<Record<string, object>> };
  readonly job: object;
  readonly inputs: readonly object[];
  readonly outputs: readonly object[];
}
const listReported = () => to.received.map(({ body }) => JSON.parse(body) as Emitted);
const uuid = (id: string) => id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
const call = async <Output = object>(name: string, input: object) => await dais.call<Output>(name, input);

test('a run is reported with its inputs, outputs and origin', async () => {
  const parent = await call<Run>('run.create', { experimentId: '0' });
  const tags = {
    'mlflow.parentRunId': parent.id,
    'mlflow.source.git.commit': 'c0ffee',
    'mlflow.source.git.repoURL': 'https://example.com/flights.git',
    'mlflow.source.name': 'train.py',
  };
  const { id, name } = await call<Run>('run.create', { experimentId: '0', tags });
  const dataset = { name: 'flights', digest: 'd1', sourceType: 'local', source: '/data' };
  await call('run.logInputs', { id, datasets: [{ dataset, tags: {} }] });
  const model = await call<{ id: string }>('loggedModel.create', { experimentId: '0', sourceRunId: id });
  await call('run.update', { id, status: 'FINISHED' });
  await call('run.update', { id: parent.id, status: 'KILLED' });
  await expect.poll(() => to.received.length, PATIENCE).toBe(4);
  for (const event of listReported()) {
    expect(problemOf(lineageEventSchema.parse(event))).toBeUndefined();
  }
  const complete = listReported().find(({ eventType }) => eventType === 'COMPLETE');
  expect(complete).toMatchObject({
    run: {
      runId: uuid(id),
      facets: {
        dais_run: { project: 'default', experiment: '0', run: id, name, entryPoint: 'train.py' },
        parent: { run: { runId: uuid(parent.id) }, job: { namespace: 'dais/default', name: 'experiment/0' } },
      },
    },
    job: {
      namespace: 'dais/default',
      name: 'experiment/0',
      facets: { sourceCodeLocation: { type: 'git', url: tags['mlflow.source.git.repoURL'], version: 'c0ffee' } },
    },
    inputs: [{ namespace: 'local', name: 'flights', facets: { version: { datasetVersion: 'd1' } } }],
    outputs: [{ namespace: 'dais/default', name: `logged-model/${model.id}` }],
  });
  expect(
    listReported()
      .map(({ eventType }) => eventType)
      .toSorted(),
  ).toEqual(['ABORT', 'COMPLETE', 'START', 'START']);
  expect(to.received[0]?.headers['authorization']).toBe('Bearer the key');
});

test('an unavailable server receives events later, also after a restart', async () => {
  const before = to.received.length;
  to.answer(503);
  const { id } = await call<Run>('run.create', { experimentId: '0' });
  await call('run.update', { id, status: 'FAILED' });
  await expect.poll(() => to.received.length - before, PATIENCE).toBeGreaterThanOrEqual(2);
  await dais.stop();
  const tried = to.received.length;
  to.answer(201);
  dais = await start();
  const since = () => listReported().slice(tried);
  await expect
    .poll(
      () =>
        since()
          .map(({ eventType }) => eventType)
          .toSorted(),
      PATIENCE,
    )
    .toEqual(['FAIL', 'START']);
  expect(new Set(since().map(({ run }) => run.runId))).toEqual(new Set([uuid(id)]));
});
