import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { kernelSlice } from '#kernel/slice.ts';
import { findTenant } from '#kernel/tenants.ts';
import { workshopSlice } from '#kernel/testing/machine-controller.ts';
import { startTestKernel, type TestKernel } from '#kernel/testing/test-kernel.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { servingSlice } from '../serving-slice.ts';
import { COUNT_MINUTE_MS, currentMinute, dropOldCounts, readCounts, storeCounts } from './count-rows.ts';
import type { MinuteCounts } from './gateway-counts.ts';

let db: TestDatabase;
let dais: TestKernel;
let project: string;

beforeAll(async () => {
  db = await startTestDatabase([kernelSlice, workshopSlice, servingSlice]);
  dais = await startTestKernel(db, { start: 'none' });
  project = (await dais.write(async ({ sql }) => await findTenant(sql, 'default')))?.id ?? '';
});
beforeEach(async () => void (await db.asAdmin('delete from serving.gateway_minute')));
afterAll(async () => {
  await dais.stop();
  await db.stop();
});

const all = async <T>(work: (tx: Transaction) => Promise<T>): Promise<T> =>
  await dais.write(async (tx) => {
    await tx.enter('all');
    return await work(tx);
  });
const inProject = async <T>(work: (tx: Transaction) => Promise<T>): Promise<T> =>
  await dais.write(async (tx) => {
    await tx.enter(project);
    return await work(tx);
  });
const counts = (minute: number, requests: number, more: Partial<MinuteCounts> = {}): MinuteCounts => ({
  project: 'default',
  endpoint: 'e',
  variant: 'stable',
  model: 'm',
  minute,
  counters: { requests, failed: 1, latency: [0, requests] },
  ...more,
});
const read = async (from?: number, models = ['m']) =>
  await inProject(async (tx) => await readCounts(tx, { endpoint: 'e', models, from }));

test('counts of several nodes and processes add up; a repeated or older write changes nothing', async () => {
  const minute = await all(async ({ sql }) => await currentMinute(sql));
  const [a, b] = [
    { node: randomUUID(), writer: randomUUID() },
    { node: randomUUID(), writer: randomUUID() },
  ];
  const restarted = { node: a.node, writer: randomUUID() };
  for (const [writer, requests] of [
    [a, 3],
    [a, 5],
    [a, 5],
    [a, 4],
    [b, 10],
    [restarted, 2],
  ] as const) {
    await all(async (tx) => await storeCounts(tx, writer, [counts(minute, requests)]));
  }
  const reading = await read();
  expect(reading.counts.map(({ counters }) => counters.requests).toSorted((x, y) => x - y)).toEqual([2, 5, 10]);
  expect(reading.counts.find(({ counters }) => counters.requests === 5)).toEqual({
    minute,
    variant: 'stable',
    model: 'm',
    counters: { requests: 5, failed: 1, latency: [0, 5] },
  });
});

test('a reading has the minutes from the given one on, of the models that it names, and its project’s only', async () => {
  const minute = await all(async ({ sql }) => await currentMinute(sql));
  const before = (count: number) => minute - count * COUNT_MINUTE_MS;
  const writer = { node: randomUUID(), writer: randomUUID() };
  const rows = [
    counts(minute, 1),
    counts(before(1), 2),
    counts(before(5), 4),
    counts(minute, 8, { model: 'other' }),
    counts(minute, 16, { endpoint: 'other' }),
    counts(minute, 32, { project: 'deleted' }),
  ];
  await all(async (tx) => await storeCounts(tx, writer, rows));
  const requests = async (from?: number) =>
    (await read(from)).counts.reduce((sum, { counters }) => sum + counters.requests, 0);
  // Without a start: the previous minute, in which gateways may still add requests.
  expect(await requests()).toBe(3);
  expect(await requests(before(5))).toBe(7);
  expect(await requests(before(4))).toBe(3);
  expect((await read(undefined, [])).counts).toEqual([]);
  expect((await read(undefined, [])).minute).toBeGreaterThanOrEqual(minute);
});

test('counts are kept for a day', async () => {
  const minute = await all(async ({ sql }) => await currentMinute(sql));
  const writer = { node: randomUUID(), writer: randomUUID() };
  const [kept, old] = [minute - 1439 * COUNT_MINUTE_MS, minute - 1441 * COUNT_MINUTE_MS];
  await all(async (tx) => await storeCounts(tx, writer, [counts(kept, 1), counts(old, 2)]));
  expect(await all(dropOldCounts)).toBe(1);
  expect((await read(old)).counts.map((one) => one.minute)).toEqual([kept]);
});
