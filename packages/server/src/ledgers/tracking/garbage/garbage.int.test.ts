import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Database } from '#engines/database/contract.ts';
import { openFsBlobStore } from '#engines/blobs/fs/fs-blob-store.ts';
import { startHttpFixture, type HttpFixture } from '#http/testing/http-fixture.ts';
import { Content, CONTENT_DEFAULTS } from '#kernel/content/content.ts';
import type { JobIo } from '#kernel/job-runner.ts';
import type { JobClaim } from '#kernel/jobs.ts';
import { transact } from '#kernel/transaction.ts';
import { commentsSlice } from '#ledgers/comments/index.ts';
import { lineageSlice } from '#ledgers/lineage/index.ts';
import { systemClock, type Clock } from '#lib/clock.ts';
import { artifactEntries, trackingLedger, trackingSlice } from '../index.ts';
import { traceRetention } from '../traces/trace-delete.ts';
import { TEST_OPTIONS } from '../testing/tracking-world.ts';
import { garbageJob } from './garbage-job.ts';

const DAY_MS = 86_400_000;
const NOBODY = { runs: new Set<string>(), loggedModels: new Set<string>() };

let http: HttpFixture;
let folder: string;
let database: Database;
/** Offset of the test clock. */
let laterMs = 0;
const clock: Clock = { ...systemClock, now: () => systemClock.now() + laterMs };
/** Objects that model versions use, in these tests. */
let held: { runs: Set<string>; loggedModels: Set<string> } = NOBODY;
const heldBy = async () => await Promise.resolve(held);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-garbage-'));
  const blobs = await openFsBlobStore({ root: folder, clock: systemClock });
  const ledger = trackingLedger({ options: TEST_OPTIONS, clock, random: randomBytes, deletedDays: 30, heldBy });
  http = await startHttpFixture({
    slices: [commentsSlice, lineageSlice, trackingSlice],
    entries: (made) => {
      database = made.database;
      const content = new Content({ database, blobs, clock: systemClock, ...CONTENT_DEFAULTS });
      return [...ledger.entries, ...artifactEntries({ database, content, clock: systemClock, random: randomBytes })];
    },
  });
});
afterAll(async () => {
  await http?.stop();
  await rm(folder, { recursive: true, force: true });
});

interface Answer {
  readonly id: string;
  readonly removed: Readonly<Record<string, number>>;
  readonly nextCursor?: string;
  readonly items: readonly { readonly name: string }[];
}

async function ask(method: string, path: string, body?: object | string): Promise<{ status: number; body: Answer }> {
  const json = typeof body === 'object';
  const answer = await fetch(`${http.url}/api/v1/tracking/${path}`, {
    method,
    ...(json && { headers: { 'content-type': 'application/json' } }),
    ...(body !== undefined && { body: json ? JSON.stringify(body) : body }),
  });
  return { status: answer.status, body: (await answer.json()) as Answer };
}

let made = 0;
async function experiment(): Promise<string> {
  made += 1;
  return (await ask('POST', 'experiments', { name: `e${made}` })).body.id;
}

/** A run with something of each sort; deleted. */
async function deletedRun(experimentId: string): Promise<string> {
  const { id } = (await ask('POST', 'runs', { experimentId })).body;
  const metrics = Array.from({ length: 300 }, (_, step) => ({ key: 'm', value: step, step, timestamp: step }));
  const log = { metrics, params: [{ key: 'p', value: '1' }], tags: [{ key: 't', value: '1' }] };
  expect((await ask('POST', `runs/${id}/log`, log)).status).toBe(200);
  await keep(`${experimentId}/${id}/artifacts/a/b.txt`);
  await ask('DELETE', `runs/${id}`);
  return id;
}

async function deletedModel(experimentId: string): Promise<string> {
  const { id } = (await ask('POST', 'logged-models', { experimentId })).body;
  await keep(`${experimentId}/models/${id}/artifacts/MLmodel`);
  await ask('DELETE', `logged-models/${id}`);
  return id;
}

const keep = async (path: string) =>
  expect((await ask('PUT', `artifacts/content?path=${encodeURIComponent(path)}`, 'bytes')).status).toBe(200);
const filesIn = async (path: string) => (await ask('GET', `artifacts?path=${path}`)).body.items.map(({ name }) => name);

/** Collects all garbage in successive calls. */
async function collect(input: object = {}): Promise<Record<string, number>> {
  const total: Record<string, number> = {};
  for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
    const { body } = await ask('POST', 'garbage', { ...input, ...(cursor !== undefined && { cursor }) });
    for (const [what, count] of Object.entries(body.removed)) total[what] = (total[what] ?? 0) + count;
    cursor = body.nextCursor;
  }
  return total;
}

async function later<T>(ms: number, work: () => Promise<T>): Promise<T> {
  laterMs = ms;
  try {
    return await work();
  } finally {
    laterMs = 0;
  }
}

async function rowsOf(table: string): Promise<number> {
  return await transact(database, { mode: 'read', projectId: 'all' }, async ({ sql }) => {
    const [row] = await sql.query<{ n: number }>(`select count(*)::int as n from tracking.${table}`, []);
    return row?.n ?? -1;
  });
}

test('deleted objects are removed with their files after the retention time, and others are kept', async () => {
  const of = await experiment();
  const { id: living } = (await ask('POST', 'runs', { experimentId: of })).body;
  await keep(`${of}/${living}/artifacts/stays.txt`);
  const gone = await deletedRun(of);
  const model = await deletedModel(of);
  expect(await later(29 * DAY_MS, collect)).toMatchObject({ runs: 0, loggedModels: 0 });
  expect((await ask('POST', `runs/${gone}/restore`)).status).toBe(200);
  await ask('DELETE', `runs/${gone}`);
  const due = await later(31 * DAY_MS, async () => (await ask('POST', 'garbage', { dryRun: true })).body.removed);
  expect(due).toMatchObject({ runs: 1, loggedModels: 1, experiments: 0 });
  expect(await later(31 * DAY_MS, collect)).toMatchObject({ runs: 1, loggedModels: 1, experiments: 0, files: 2 });
  expect([(await ask('GET', `runs/${gone}`)).status, (await ask('GET', `runs/${living}`)).status]).toEqual([404, 200]);
  expect((await ask('GET', `logged-models/${model}?allowDeleted=true`)).status).toBe(404);
  expect(await filesIn(of)).toEqual([living]);
  for (const table of ['param', 'metric', 'metric_tail', 'metric_chunk', 'logged_model']) {
    expect([table, await rowsOf(table)]).toEqual([table, 0]);
  }
  // Its own name is its only tag.
  expect(await rowsOf('tag')).toBe(1);
});

test('an experiment is removed after its contents, over several calls', async () => {
  const of = await experiment();
  for (let n = 0; n < 45; n++) await ask('POST', 'runs', { experimentId: of });
  await deletedRun(of);
  await keep(`${of}/notes.txt`);
  expect((await ask('DELETE', `experiments/${of}`)).status).toBe(200);
  const first = await later(31 * DAY_MS, async () => (await ask('POST', 'garbage', {})).body);
  expect(first.removed).toMatchObject({ runs: 20, experiments: 0 });
  expect(await later(31 * DAY_MS, collect)).toMatchObject({ runs: 26, experiments: 1, files: 2 });
  expect((await ask('GET', `experiments/${of}`)).status).toBe(404);
  expect(await filesIn(of)).toEqual([]);
});

test('objects used by a model version are kept with their experiment', async () => {
  const of = await experiment();
  const [run, model] = [await deletedRun(of), await deletedModel(of)];
  await ask('DELETE', `experiments/${of}`);
  held = { runs: new Set([run]), loggedModels: new Set([model]) };
  try {
    expect(await later(31 * DAY_MS, collect)).toMatchObject({ runs: 0, loggedModels: 0, experiments: 0, files: 0 });
  } finally {
    held = NOBODY;
  }
  expect(await filesIn(`${of}/models/${model}/artifacts`)).toEqual(['MLmodel']);
  expect(await later(31 * DAY_MS, collect)).toMatchObject({ runs: 1, loggedModels: 1, experiments: 1, files: 2 });
});

test('another age can be requested, and a cursor of another request is rejected', async () => {
  const of = await experiment();
  await deletedRun(of);
  const twoHours = 2 * 3_600_000;
  expect(await later(twoHours, async () => await collect({ olderThanHours: 3 }))).toMatchObject({ runs: 0 });
  expect(await later(twoHours, async () => await collect({ olderThanHours: 1 }))).toMatchObject({ runs: 1 });
  expect((await ask('POST', 'garbage', { olderThanHours: 0 })).status).toBe(400);
  expect((await ask('POST', 'garbage', { cursor: 'x' })).status).toBe(400);
});

test('a job does the same automatically in every project', async () => {
  const of = await experiment();
  const run = await deletedRun(of);
  const io: JobIo = {
    signal: new AbortController().signal,
    progress: () => {},
    read: async (work) => await transact(database, { mode: 'read', projectId: 'all' }, work),
    write: async (work) => await transact(database, { mode: 'write', projectId: 'all' }, work),
  };
  const dependencies = { options: TEST_OPTIONS, heldBy };
  expect(await garbageJob(dependencies, 0, clock).run({} as JobClaim, io)).toMatchObject({ runs: 0 });
  const report = await later(
    31 * DAY_MS,
    async () => await garbageJob(dependencies, 30, clock).run({} as JobClaim, io),
  );
  expect(report).toMatchObject({ runs: 1, files: 1 });
  expect((await ask('GET', `runs/${run}`)).status).toBe(404);
});

test('files of traces are removed with deleted and with expired traces', async () => {
  const of = await experiment();
  const begin = async (requestedAt: number) => {
    const id = `tr-${randomBytes(16).toString('hex')}`;
    expect((await ask('POST', 'traces', { id, experimentId: of, requestedAt, state: 'OK' })).status).toBe(201);
    await keep(`${of}/traces/${id}/artifacts/attachments/picture`);
    return id;
  };
  const [old, newer, newest] = [await begin(1000), await begin(2000), await begin(Date.now())];
  const traces = async () => (await filesIn(`${of}/traces`)).toSorted();
  expect(await traces()).toEqual([old, newer, newest].toSorted());
  expect((await ask('POST', 'delete-traces', { experimentId: of, ids: [newer] })).status).toBe(200);
  expect(await traces()).toEqual([old, newest].toSorted());
  const io = {
    signal: new AbortController().signal,
    write: async (work) => await transact(database, { mode: 'write', projectId: 'all' }, work),
  } as JobIo;
  const job = traceRetention(10, { options: TEST_OPTIONS, clock: systemClock });
  expect(await job.run({} as JobClaim, io)).toEqual({ removed: 1 });
  expect(await traces()).toEqual([newest]);
});
