import { randomUUID } from 'node:crypto';
import type { GatewayFigures } from '@dais/api/gateway';
import type { UsageRecord, UsageSum } from '@dais/api/usage';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { kernelSlice } from '#kernel/slice.ts';
import { seededRandom, startTestKernel, type TestKernel } from '#kernel/testing/test-kernel.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { ManualClock } from '#lib/manual-clock.testing.ts';
import { isLongRun } from '#testing/long-run.ts';
import { ledger, type UsageDependencies } from '../index.ts';
import { LOST_SECONDS } from './open-replicas.ts';
import { ReplicaMeter, type ReplicaMeterDependencies } from './replica-meter.ts';

let db: TestDatabase;
let dais: TestKernel;

beforeAll(async () => {
  db = await startTestDatabase([kernelSlice, ledger.slice]);
  dais = await startTestKernel(db, { entries: ledger.open(dependencies()).entries ?? [], start: 'none' });
});
afterEach(async () => {
  await db.asAdmin('delete from usage.record');
  await db.asAdmin('delete from usage.open_replica');
});
afterAll(async () => {
  await dais.stop();
  await db.stop();
});

function dependencies(): UsageDependencies {
  return {
    database: db.database,
    clock: systemClock,
    log: silentLog,
    host: 'machine',
    node: async () => await Promise.resolve(undefined),
    figures: () => undefined,
    query: () => Promise.reject(new Error('no test here exports usage')),
    folder: '/nowhere',
    storedBytes: async () => await Promise.resolve(0),
    days: 400,
  };
}

type Loaded = Readonly<Record<string, number>>;

function report(loaded: Loaded, startedAt = '2026-01-01T00:00:00Z'): GatewayFigures {
  const endpoints = Object.entries(loaded);
  return {
    startedAt,
    revision: 1,
    at: startedAt,
    models: endpoints.map(([key, workers]) => ({ key, state: 'ready', workers, inFlight: 0, memoryBytes: 1 })),
    variants: endpoints.map(([endpoint]) => ({
      project: 'default',
      endpoint,
      variant: 'stable',
      model: endpoint,
      requests: 0,
      failed: 0,
      refused: 0,
      latency: [],
    })),
  };
}

/** A control process of a node, which reads the given report with each turn. */
function controlOf(node: string, more: Partial<ReplicaMeterDependencies> = {}) {
  let figures: GatewayFigures | undefined;
  const meter = new ReplicaMeter({
    ...dependencies(),
    node: async () => await Promise.resolve(node),
    figures: () => figures,
    contactMs: 0,
    ...more,
  });
  return async (next: GatewayFigures | undefined) => {
    figures = next;
    await meter.turn();
  };
}

const records = async () => (await dais.call<{ items: UsageRecord[] }>('usage.list', { type: 'replica' })).items;
const openRows = async () =>
  await db.asAdmin('select endpoint, replicas, started_at, contacted_at from usage.open_replica order by endpoint');
const seconds = (record: UsageRecord) => (Date.parse(record.endedAt) - Date.parse(record.startedAt)) / 1000;

/** Moves the open intervals into the past. */
const age = async (interval: string) =>
  await db.asAdmin(
    `update usage.open_replica set started_at = started_at - interval '${interval}', contacted_at = contacted_at - interval '${interval}'`,
  );

test('an interval lasts from the first report of a loaded model to the first one without it', async () => {
  const control = controlOf(randomUUID());
  await control(report({ a: 2 }));
  expect(await openRows()).toMatchObject([{ endpoint: 'a', replicas: 2 }]);
  await control(report({ a: 2 }));
  expect(await records()).toEqual([]);
  await control(report({}));
  const [record, ...others] = await records();
  expect(others).toEqual([]);
  expect(record).toMatchObject({
    type: 'replica',
    unit: 'replica-second',
    project: 'default',
    resource: 'Endpoint/a',
    node: 'machine',
    requests: { replicas: 2 },
  });
  expect(record?.quantity).toBeCloseTo(seconds(record!) * 2, 2);
  expect(await openRows()).toEqual([]);
});

test('another number of processes starts another interval, without a gap', async () => {
  const control = controlOf(randomUUID());
  await control(report({ a: 1 }));
  await control(report({ a: 3 }));
  expect(await openRows()).toMatchObject([{ replicas: 3 }]);
  expect((await records()).map(({ requests }) => requests)).toEqual([{ replicas: 1 }]);
});

test('long intervals are recorded hourly, while they continue', async () => {
  const control = controlOf(randomUUID());
  await control(report({ a: 1 }));
  await db.asAdmin(
    `update usage.open_replica set started_at = date_trunc('hour', now(), 'UTC') - interval '150 minutes'`,
  );
  await control(report({ a: 1 }));
  const parts = await records();
  expect(parts.map(({ quantity }) => quantity)).toEqual([3600, 3600, 1800]);
  expect(parts.every(({ endedAt }) => endedAt.endsWith(':00:00.000Z'))).toBe(true);
  // The next contact in the same hour adds none.
  await control(report({ a: 1 }));
  expect(await records()).toHaveLength(3);
  const [open] = await openRows();
  expect(open?.['started_at']).toEqual(new Date(parts[0]?.endedAt ?? ''));
});

test('a new control process continues the intervals of a killed one', async () => {
  const node = randomUUID();
  await controlOf(node)(report({ a: 1, b: 1 }));
  await age('60 seconds');
  const next = controlOf(node);
  await next(report({ a: 1 }));
  // The model of b was unloaded meanwhile: this is noticed now.
  const [b, ...others] = await records();
  expect(others).toEqual([]);
  expect(b).toMatchObject({ resource: 'Endpoint/b' });
  expect(seconds(b!)).toBeGreaterThanOrEqual(60);
  expect(await openRows()).toMatchObject([{ endpoint: 'a' }]);
  await next(report({}));
  expect((await records()).filter(({ resource }) => resource === 'Endpoint/a')).toHaveLength(1);
});

test('the intervals of a killed gateway end when a report last contained them', async () => {
  const clock = new ManualClock();
  const control = controlOf(randomUUID(), { clock, contactMs: 10_000 });
  await control(report({ a: 1 }));
  await db.asAdmin(`update usage.open_replica set started_at = started_at - interval '93 seconds'`);
  // Seven seconds are too short for another contact.
  clock.advance(7000);
  await control(report({ a: 1 }));
  await age('47 seconds');
  clock.advance(40_000);
  // It does not report; then another one does.
  await control(undefined);
  expect(await records()).toEqual([]);
  await control(report({ a: 1 }, '2026-01-01T00:05:00Z'));
  const [ended] = await records();
  expect(ended?.quantity).toBeCloseTo(100, 0);
  expect(await openRows()).toHaveLength(1);
});

test('the intervals of a gateway that is killed with its control process end at their last contact', async () => {
  const node = randomUUID();
  await controlOf(node)(report({ a: 1 }));
  await db.asAdmin(`update usage.open_replica set started_at = started_at - interval '100 seconds'`);
  await age('40 seconds');
  await controlOf(node)(report({ a: 1 }, '2026-01-01T00:05:00Z'));
  const [ended] = await records();
  expect(ended?.quantity).toBeCloseTo(100, 0);
});

test('the intervals of a machine without contact end there, written by any other process', async () => {
  const lost = controlOf(randomUUID());
  await lost(report({ a: 1 }));
  await db.asAdmin(`update usage.open_replica set started_at = started_at - interval '20 seconds'`);
  await age(`${LOST_SECONDS + 60} seconds`);
  await controlOf(randomUUID())(undefined);
  const [ended] = await records();
  expect(ended?.quantity).toBeCloseTo(20, 0);
  // It was only cut off: it starts another interval, and adds nothing for the time without contact.
  await lost(report({ a: 1 }));
  await lost(report({ a: 1 }));
  await lost(report({}));
  const all = await records();
  expect(all).toHaveLength(2);
  expect(all.reduce((sum, { quantity }) => sum + quantity, 0)).toBeLessThan(60);
});

test('property: the records of random histories add up to the intervals, whichever process is killed', async () => {
  const random = seededRandom(7);
  const pick = <T>(from: readonly T[]) => from[Math.floor(random() * from.length)]!;
  for (let history = 0; history < (isLongRun ? 30 : 3); history++) {
    const node = randomUUID();
    let control = controlOf(node);
    let gateway = 0;
    let loaded: Loaded = {};
    /** Replica-seconds that the history contains, by endpoint: sum of what was loaded × the simulated time. */
    const expected = new Map<string, number>();
    for (let turn = 0; turn < 25; turn++) {
      const event = pick(['load', 'load', 'wait', 'wait', 'kill control', 'kill gateway'] as const);
      if (event === 'load') loaded = { ...loaded, [pick(['a', 'b', 'c'])]: pick([0, 1, 2, 4]) };
      if (event === 'kill control') control = controlOf(node);
      if (event === 'kill gateway') gateway += 1;
      const present = Object.fromEntries(Object.entries(loaded).filter(([, workers]) => workers > 0));
      await control(report(present, new Date(Date.UTC(2026, 0, 1) + gateway * 1000).toISOString()));
      // Time passes: what is open began earlier. This is exact, unlike a pause.
      const passed = pick([1, 7, 600, 5000]);
      await db.asAdmin(`update usage.open_replica set started_at = started_at - interval '${passed} seconds'`);
      // The same hour can come again: its earlier records are not it.
      await db.asAdmin('update usage.record set source = gen_random_uuid()::text');
      for (const [endpoint, workers] of Object.entries(present)) {
        expected.set(endpoint, (expected.get(endpoint) ?? 0) + workers * passed);
      }
      if (event === 'wait') {
        // A second report of the same state changes nothing.
        await control(report(present, new Date(Date.UTC(2026, 0, 1) + gateway * 1000).toISOString()));
      }
    }
    await control(report({}, new Date(Date.UTC(2026, 0, 1) + gateway * 1000).toISOString()));
    const from = new Date(Date.now() - 300 * 86_400_000).toISOString();
    const { items } = await dais.call<{ items: UsageSum[] }>('usage.sum', { by: 'resource', from });
    for (const [endpoint, sum] of expected) {
      const found = items.find(({ key }) => key === `Endpoint/${endpoint}`)?.replicaSeconds ?? 0;
      // The test itself takes some seconds, with up to 4 processes.
      expect(found - sum).toBeGreaterThanOrEqual(-0.01);
      expect(found - sum).toBeLessThan(120);
    }
    await db.asAdmin('delete from usage.record');
  }
});
