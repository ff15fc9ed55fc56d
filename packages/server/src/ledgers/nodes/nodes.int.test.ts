import { randomUUID } from 'node:crypto';
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NodeRole, NodeToken, ServerNode } from '@dais/api/access';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Database } from '#engines/database/contract.ts';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { kernelSlice } from '#kernel/slice.ts';
import { codeOf, startTestKernel, type TestKernel } from '#kernel/testing/test-kernel.ts';
import { acquireLease } from '#kernel/leases.ts';
import type { Ledger } from '#ledgers/ledger.ts';
import { systemClock } from '#lib/clock.ts';
import { WorkGate } from '#lib/concurrency/work-gate.ts';
import { silentLog, type Log } from '#lib/log.ts';
import { sealerOf } from './certificates/node-sealer.testing.ts';
import { ledger, readNodeFile, type JoinRules, type NodesLedger } from './index.ts';

let db: TestDatabase;
let dais: TestKernel;
let folder: string;
let running: Ledger[] = [];

const OPEN: JoinRules = { join: 'open' };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-nodes-'));
  db = await startTestDatabase([kernelSlice, ledger.slice]);
  dais = await startTestKernel(db, { entries: open(join(folder, 'none'), randomUUID()).entries ?? [], start: 'none' });
});
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop?.();
  await db.asAdmin('delete from nodes.node; delete from nodes.token');
});
afterAll(async () => {
  await dais.stop();
  await db.stop();
  await rm(folder, { recursive: true, force: true });
});

/** None of these nodes connects to another. */
const sealer = sealerOf(() => {
  throw new Error('a certificate was issued');
});

interface Further {
  readonly database?: Database;
  readonly gate?: WorkGate;
  readonly log?: Log;
  readonly role?: NodeRole;
  readonly rules?: JoinRules;
}

function open(data: string, holder: string, host = 'machine', contactMs = 60_000, more: Further = {}): NodesLedger {
  const load = () => ({ cores: 2, busyCores: 0.5, memoryBytes: 1000 });
  const { database = db.database, gate = new WorkGate(), log = silentLog, role = 'all', rules = OPEN } = more;
  const rest = { role, rules, version: '0.1.0', clock: systemClock, load, sealer, hosts: [host] };
  return ledger.open({ database, gate, log, data, holder, host, contactMs, ...rest });
}

/** A control process that is killed at its start, just before or after the commit of a transaction of its claim. */
async function startAndKillAt(data: string, at: 'before' | 'after') {
  const { database } = db;
  const killed = new Error('killed');
  const transaction: Database['transaction'] = async (options, work) => {
    if (at === 'before') throw killed;
    await database.transaction(options, work);
    throw killed;
  };
  const dying = { ...databaseOf(database), transaction };
  await expect(open(data, randomUUID(), 'machine', 60_000, { database: dying }).prepare?.()).rejects.toBe(killed);
}

const databaseOf = (database: Database): Database => ({
  transaction: (...args) => database.transaction(...args),
  statement: (...args) => database.statement(...args),
  listen: (...args) => database.listen(...args),
  poll: (...args) => database.poll(...args),
  ping: (...args) => database.ping(...args),
  stats: () => database.stats(),
  close: () => database.close(),
});

/** A control process on a data folder. */
async function start(
  data: string,
  {
    host = 'machine',
    contactMs = 60_000,
    holder = randomUUID(),
    gate = new WorkGate(),
    log = silentLog,
    role = 'all',
    rules = OPEN,
  }: Omit<Further, 'database'> & {
    readonly host?: string;
    readonly contactMs?: number;
    readonly holder?: string;
  } = {},
) {
  const opened = open(data, holder, host, contactMs, { gate, log, role, rules });
  await opened.prepare?.();
  await opened.start?.({ controller: true, gateway: true, steps: true });
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

test.each([
  ['after the commit of the first claim', ['after']],
  ['after the commit of a later claim', [undefined, 'after']],
  ['before and after commits, in a row', [undefined, 'before', 'after', 'before', 'after', 'after']],
] as const)('a process that is killed %s does not lose its node', async (_name, kills) => {
  const data = await newFolder();
  for (const at of kills) {
    if (at === undefined) await startAndKill(data, 'machine');
    else await startAndKillAt(data, at);
  }
  const [before] = await nodes();
  await start(data);
  expect(await nodes()).toMatchObject([{ id: before?.id, state: 'ready', gateway: 0 }]);
  expect(await readNodeFile(data)).toMatchObject({ id: before?.id, gateway: 0 });
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

test('a node drains: it takes no work, is drained when nothing runs, and stays so after a restart', async () => {
  const [data, gate] = [await newFolder(), new WorkGate()];
  let steps = 1;
  gate.register({ unit: 'steps', running: () => steps });
  const opened = await start(data, { host: 'a', contactMs: 20, gate });
  const id = (await nodes())[0]?.id ?? '';
  expect(await codeOf(dais.call('node.drain', { id }))).toBe('invalid_state');
  await start(await newFolder(), { host: 'b' });
  expect(await dais.call('node.drain', { id })).toMatchObject({ state: 'draining' });
  await expect.poll(() => gate.isOpen).toBe(false);
  await expect.poll(async () => (await nodes())[0]?.drain?.steps, { interval: 20 }).toBe(1);
  expect(await codeOf(dais.call('node.remove', { id }))).toBe('invalid_state');
  // A node that drains does not do the work of another one.
  const other = (await nodes())[1]?.id ?? '';
  expect(await codeOf(dais.call('node.drain', { id: other }))).toBe('invalid_state');
  steps = 0;
  await expect
    .poll(async () => (await nodes())[0], { interval: 20, timeout: 10_000 })
    .toMatchObject({ state: 'drained', drain: { jobs: 0, steps: 0, drainedAt: expect.any(String) } });
  await opened.stop?.();
  expect((await nodes())[0]).toMatchObject({ id, state: 'stopped' });
  const again = new WorkGate();
  await start(data, { host: 'a', contactMs: 20, gate: again });
  // Before any work starts.
  expect(again.isOpen).toBe(false);
  expect((await nodes())[0]).toMatchObject({ id, state: 'drained' });
  const resumed = await dais.call<ServerNode>('node.resume', { id });
  expect(resumed).toMatchObject({ state: 'ready' });
  expect(resumed.drain).toBeUndefined();
  await expect.poll(() => again.isOpen).toBe(true);
  expect(await codeOf(dais.call('node.drain', { id: randomUUID() }))).toBe('not_found');
});

test('at the end of the time limit, jobs are interrupted and steps continue', async () => {
  const gate = new WorkGate();
  let jobs = 2;
  gate.register({ unit: 'jobs', running: () => jobs, interrupt: () => (jobs = 0) });
  gate.register({ unit: 'steps', running: () => 3 });
  await start(await newFolder(), { contactMs: 20, gate });
  const id = (await nodes())[0]?.id ?? '';
  await dais.call('node.drain', { id, timeLimitSeconds: 5, force: true });
  await expect.poll(async () => (await nodes())[0]?.drain, { interval: 20 }).toMatchObject({ jobs: 2, steps: 3 });
  await expect
    .poll(async () => (await nodes())[0], { interval: 50, timeout: 15_000 })
    .toMatchObject({ state: 'drained', drain: { jobs: 0, steps: 3 } });
});

test('a drained node that is removed while it runs does not register again', async () => {
  const [data, gate] = [await newFolder(), new WorkGate()];
  const warnings: string[] = [];
  const log: Log = { ...silentLog, warn: (message) => void warnings.push(message) };
  await start(data, { contactMs: 20, gate, log });
  const id = (await nodes())[0]?.id ?? '';
  await dais.call('node.drain', { id, timeLimitSeconds: 0, force: true });
  await expect.poll(async () => (await nodes())[0]?.state, { interval: 20, timeout: 10_000 }).toBe('drained');
  await dais.call('node.remove', { id });
  await expect.poll(() => warnings).toEqual([expect.stringContaining('This drained node was removed.')]);
  expect(await nodes()).toEqual([]);
  expect(gate.isOpen).toBe(false);
});

interface CreatedToken {
  readonly token: string;
  readonly entry: NodeToken;
}

const createToken = async (input: object = {}) => await dais.call<CreatedToken>('nodeToken.create', input);
const tokens = async (input: object = {}) =>
  await dais.call<{ items: NodeToken[]; nextCursor?: string }>('nodeToken.list', input);
const joinWith = async (token: string | undefined, role: NodeRole = 'worker', data?: string) =>
  await start(data ?? (await newFolder()), { host: role, role, rules: { join: 'token', token } });

test('the first node needs no token, a further one does, and a known one does not', async () => {
  const [first, second] = [await newFolder(), await newFolder()];
  const opened = await joinWith(undefined, 'all', first);
  await expect(joinWith(undefined, 'worker', second)).rejects.toThrow('dais admin create-node-token --role worker');
  expect(await readNodeFile(second)).toBeUndefined();
  const { token, entry } = await createToken({ roles: ['worker'] });
  const worker = await joinWith(token, 'worker', second);
  const [joined] = await db.asAdmin(
    `select data from kernel.event where type = 'node.joined' order by id desc limit 1`,
  );
  expect(joined?.['data']).toMatchObject({ role: 'worker', token: entry.id, tokenBy: 'user:owner' });
  await worker.stop?.();
  await joinWith(undefined, 'worker', second);
  await opened.stop?.();
  await joinWith('wrong', 'all', first);
  expect((await nodes()).map(({ role, state }) => `${role} ${state}`)).toEqual(['all ready', 'worker ready']);
});

test('without a live node, nobody could create a token: a new node needs none', async () => {
  await joinWith(undefined, 'all');
  await db.asAdmin(`update nodes.node set contacted_at = now() - interval '31 seconds'`);
  await joinWith(undefined, 'api');
  expect((await nodes()).map(({ role, state }) => `${role} ${state}`)).toEqual(['all unreachable', 'api ready']);
});

test('a token is for its roles, its number of nodes and its time, until it is revoked', async () => {
  await joinWith(undefined, 'all');
  const problem = async (token: string, role: NodeRole = 'worker') =>
    await joinWith(token, role).then(
      () => 'joined',
      (error: Error) => error.message,
    );
  const { token } = await createToken({ roles: ['worker'], uses: 2 });
  expect(await problem(token, 'api')).toContain('permits nodes with the role worker, and this node has the role api');
  expect(await problem(token)).toBe('joined');
  expect((await tokens()).items).toMatchObject([{ used: 1, uses: 2, roles: ['worker'] }]);
  expect(await problem(token)).toBe('joined');
  expect(await problem(token)).toContain('as many nodes as it permits');
  expect((await tokens()).items).toEqual([]);
  const revoked = await createToken();
  await dais.call('nodeToken.revoke', { id: revoked.entry.id });
  expect(await problem(revoked.token)).toContain('unknown or was revoked');
  expect(await codeOf(dais.call('nodeToken.revoke', { id: revoked.entry.id }))).toBe('not_found');
  const expired = await createToken();
  await db.asAdmin(`update nodes.token set expires_at = now() - interval '1 second'`);
  expect(await problem(expired.token)).toContain('has expired');
  const texts = JSON.stringify(await db.asAdmin(`select data from kernel.event where type like 'node.%'`));
  for (const one of [token, revoked.token, expired.token]) {
    expect(texts).not.toContain(one);
    expect(await problem(one, 'api')).not.toContain(one);
  }
});

test('two nodes that use the last use of a token at the same time: one joins', async () => {
  await joinWith(undefined, 'all');
  const { token } = await createToken({ uses: 1 });
  const ends = await Promise.allSettled([joinWith(token), joinWith(token)]);
  expect(ends.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
});

test('the list of tokens has pages, newest first', async () => {
  const ids: string[] = [];
  for (let n = 0; n < 3; n += 1) ids.unshift((await createToken()).entry.id);
  const first = await tokens({ limit: 2 });
  const second = await tokens({ limit: 2, cursor: first.nextCursor });
  // Tokens of the same millisecond are in the order of their ids.
  expect([...first.items, ...second.items].map(({ id }) => id).toSorted()).toEqual(ids.toSorted());
  expect([first.items.length, second.items.length, second.nextCursor]).toEqual([2, 1, undefined]);
  const times = [...first.items, ...second.items].map(({ createdAt }) => createdAt);
  expect(times).toEqual(times.toSorted().toReversed());
  for (const cursor of ['x', Buffer.from('["a","b"]').toString('base64url')]) {
    expect(await codeOf(tokens({ cursor }))).toBe('invalid_cursor');
  }
});

test('a node that was removed returns with its id and without a token, but not to another installation', async () => {
  await joinWith(undefined, 'all');
  const data = await newFolder();
  const { token } = await createToken();
  const worker = await joinWith(token, 'worker', data);
  const before = await readNodeFile(data);
  await worker.stop?.();
  await db.asAdmin(`delete from nodes.node where role = 'worker'`);
  const again = await joinWith(undefined, 'worker', data);
  expect((await readNodeFile(data))?.id).toBe(before?.id);
  await again.stop?.();
  await db.asAdmin(`delete from nodes.node where role = 'worker'; update kernel.cursor set epoch = gen_random_uuid()`);
  await expect(joinWith(undefined, 'worker', data)).rejects.toThrow('is not a node of the installation');
  // The file still names the node of the other installation.
  expect((await readNodeFile(data))?.id).toBe(before?.id);
});

test('drains and counts know what each role does', async () => {
  const first = await start(await newFolder(), { host: 'a', role: 'api' });
  await start(await newFolder(), { host: 'c', role: 'controller' });
  await start(await newFolder(), { host: 'g', role: 'gateway' });
  const last = await start(await newFolder(), { host: 'w', role: 'worker' });
  const { self } = last;
  expect([self.hasGateway, self.liveCount(), self.liveGateways(), last.liveWorkers()]).toEqual([false, 4, 2, 1]);
  expect([first.self.hasGateway, first.liveWorkers()]).toEqual([true, 0]);
  const ids = new Map((await nodes()).map(({ role, id }) => [role, id]));
  const reason = async (role: NodeRole) =>
    await dais.call('node.drain', { id: ids.get(role) }).then(
      () => 'drains',
      (error: Error) => error.message,
    );
  expect(await reason('api')).toContain('no other ready node serves the API.');
  expect(await reason('controller')).toContain('no other ready node runs background work.');
  expect(await reason('worker')).toContain('no other ready node runs steps.');
  // The node with the API has a gateway too.
  expect(await reason('gateway')).toBe('drains');
});
