import { randomUUID } from 'node:crypto';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerNode } from '@dais/api/access';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { kernelSlice } from '#kernel/slice.ts';
import { codeOf, startTestKernel, type TestKernel } from '#kernel/testing/test-kernel.ts';
import { acquireLease } from '#kernel/leases.ts';
import type { Ledger } from '#ledgers/ledger.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { ledger, readNodeFile } from './index.ts';

let db: TestDatabase;
let dais: TestKernel;
let folder: string;
let running: Ledger[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-nodes-'));
  db = await startTestDatabase([kernelSlice, ledger.slice]);
  dais = await startTestKernel(db, { entries: open(join(folder, 'none'), randomUUID()).entries ?? [], start: 'none' });
});
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop?.();
  await db.asAdmin('delete from nodes.node');
});
afterAll(async () => {
  await dais.stop();
  await db.stop();
  await rm(folder, { recursive: true, force: true });
});

function open(data: string, holder: string, host = 'machine', contactMs = 60_000): Ledger {
  const load = () => ({ cores: 2, busyCores: 0.5, memoryBytes: 1000 });
  const rest = { role: 'all' as const, version: '0.1.0', clock: systemClock, log: silentLog, load };
  return ledger.open({ database: db.database, data, holder, host, contactMs, ...rest });
}

/** A control process on a data folder. */
async function start(data: string, { host = 'machine', contactMs = 60_000, holder = randomUUID() } = {}) {
  const opened = open(data, holder, host, contactMs);
  await opened.prepare?.();
  await opened.start?.({ controller: true });
  running.push(opened);
  return opened;
}

/** A control process that registers its node and is killed. */
async function startAndKill(data: string, host: string) {
  await open(data, randomUUID(), host).prepare?.();
}

const newFolder = async () => await mkdtemp(join(folder, 'data-'));
const list = async (input: object = {}) =>
  await dais.call<{ items: ServerNode[]; nextCursor?: string }>('node.list', input);
const nodes = async () => (await list()).items;

test('each data folder is one node with a gateway number of its own, also after a restart', async () => {
  const [a, b] = [await newFolder(), await newFolder()];
  const first = await start(a, { host: 'a' });
  await startAndKill(b, 'b');
  const before = await nodes();
  expect(before).toMatchObject([
    { host: 'a', state: 'ready', role: 'all', version: '0.1.0', gateway: 0 },
    { host: 'b', state: 'ready', gateway: 1 },
  ]);
  expect(await readNodeFile(a)).toMatchObject({ id: before[0]?.id, gateway: 0 });
  await first.stop?.();
  expect((await nodes())[0]).toMatchObject({ id: before[0]?.id, state: 'stopped' });
  await start(a, { host: 'renamed' });
  // The killed process has not recorded its stop.
  await start(b, { host: 'b' });
  expect((await nodes()).map(({ id, host, state, gateway }) => ({ id, host, state, gateway }))).toEqual([
    { id: before[1]?.id, host: 'b', state: 'ready', gateway: 1 },
    { id: before[0]?.id, host: 'renamed', state: 'ready', gateway: 0 },
  ]);
});

test('the copy of a data folder becomes another node while the first one runs', async () => {
  const original = await newFolder();
  await startAndKill(original, 'original');
  const copy = `${original}-copy`;
  await cp(original, copy, { recursive: true });
  // The original was restarted after the copy was made.
  await start(original, { host: 'original' });
  await start(copy, { host: 'copy' });
  expect((await nodes()).map(({ host, gateway }) => ({ host, gateway }))).toEqual([
    { host: 'copy', gateway: 1 },
    { host: 'original', gateway: 0 },
  ]);
});

test('a damaged node file makes a new node, and its number is never one in use', async () => {
  const data = await newFolder();
  await startAndKill(data, 'machine');
  await writeFile(join(data, 'node.json'), '{"id":');
  await start(data);
  expect((await nodes()).map(({ gateway }) => gateway).toSorted((a, b) => a - b)).toEqual([0, 1]);
});

test('nodes that start at the same time get different numbers', async () => {
  const folders = await Promise.all(Array.from({ length: 12 }, newFolder));
  await Promise.all(folders.map((data, n) => start(data, { host: `m${n}` })));
  const numbers = (await nodes()).map(({ gateway }) => gateway);
  expect(numbers.toSorted((x, y) => x - y)).toEqual(Array.from({ length: 12 }, (_, n) => n));
});

test('contacts record the load, and the list names the leases of a node', async () => {
  const holder = randomUUID();
  await start(await newFolder(), { contactMs: 20, holder });
  await acquireLease(db.database, 'sequencer-test', holder, 60_000);
  await expect
    .poll(async () => (await nodes())[0]?.load, { interval: 20 })
    .toEqual({ cores: 2, busyCores: 0.5, memoryBytes: 1000 });
  expect((await nodes())[0]?.leases).toEqual(['sequencer-test']);
});

test('a node without contact is unreachable; only a node that is not ready can be removed', async () => {
  const data = await newFolder();
  await start(data);
  const [node] = await nodes();
  const id = node?.id ?? '';
  expect(await codeOf(dais.call('node.remove', { id }))).toBe('invalid_state');
  expect(await codeOf(dais.call('node.remove', { id: randomUUID() }))).toBe('not_found');
  await db.asAdmin(`update nodes.node set contacted_at = now() - interval '31 seconds'`);
  expect(await nodes()).toMatchObject([{ id, state: 'unreachable' }]);
  await dais.call('node.remove', { id });
  expect(await nodes()).toEqual([]);
});

test('a node that was removed while it ran registers again', async () => {
  const data = await newFolder();
  await start(data, { contactMs: 20 });
  await db.asAdmin('delete from nodes.node');
  await expect.poll(async () => (await nodes()).length, { interval: 20 }).toBe(1);
  await expect.poll(async () => (await readNodeFile(data))?.id, { interval: 20 }).toBe((await nodes())[0]?.id);
});

test('a new node releases the numbers of nodes without contact for 30 days', async () => {
  await start(await newFolder(), { host: 'old' });
  await db.asAdmin(`update nodes.node set contacted_at = now() - interval '31 days'`);
  await start(await newFolder(), { host: 'new' });
  expect(await nodes()).toMatchObject([{ host: 'new', gateway: 0 }]);
});

test('the list has pages, by host', async () => {
  for (const host of ['c', 'a', 'b']) await start(await newFolder(), { host });
  const first = await list({ limit: 2 });
  expect(first.items.map(({ host }) => host)).toEqual(['a', 'b']);
  const second = await list({ limit: 2, cursor: first.nextCursor });
  expect(second.items.map(({ host }) => host)).toEqual(['c']);
  expect(second.nextCursor).toBeUndefined();
  expect(await codeOf(list({ cursor: 'x' }))).toBe('invalid_cursor');
});
