import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { digest, findProblems, garbage, openContentWorld, type ContentWorld } from '#kernel/content/content.testing.ts';
import { attachContent, type ContentOwner } from '#kernel/content/references.ts';
import { JOB_CHANNEL } from '#kernel/jobs.ts';
import { startTestKernel, type LogEntry, type TestKernel } from '#kernel/testing/test-kernel.ts';
import { transact } from '#kernel/transaction.ts';
import { systemClock } from '#lib/clock.ts';
import { uuidv7 } from '#lib/ids.ts';
import { takeInventory } from './content-inventory.ts';
import { contentJobs } from './content-jobs.ts';

let world: ContentWorld;
let running: TestKernel[] = [];
beforeAll(async () => {
  world = await openContentWorld();
});
afterEach(async () => {
  await Promise.all(running.map((dais) => dais.stop()));
  running = [];
});
afterAll(async () => await world.end());

const SOON = { timeout: 60_000, interval: 10 };
const never = new AbortController().signal;
const locatorOf = (text: string): string => `sha256:${digest(Buffer.from(text))}`;
const owned = async (): Promise<ContentOwner> => ({ projectId: await world.project(), uid: uuidv7() });
const attach = async (owner: ContentOwner, text: string, name: string): Promise<void> => {
  const lease = await world.content.upload(Readable.from([text]), { projectId: owner.projectId, quota: null });
  await transact(world.db.database, { mode: 'write', projectId: owner.projectId }, async (tx) => {
    await attachContent(tx, owner, [{ lease: lease.id, name }]);
  });
};

async function start(): Promise<TestKernel> {
  const { database } = world.db;
  const output: LogEntry[] = [];
  const say = (level: string) => (message: string) => void output.push({ level, message, fields: undefined });
  const log = { debug: say('debug'), info: say('info'), warn: say('warn'), error: say('error') };
  const collector = { graceMs: -1000, sweepMs: -1000 };
  const jobs = contentJobs({ database, blobs: world.blobs, clock: systemClock, log, collector });
  const dais = await startTestKernel(world.db, { jobs });
  running.push(dais);
  return Object.assign(dais, { log: output });
}

const runs = async (queue: string, columns: string, state: string) =>
  await world.db.asAdmin(
    `select ${columns} from kernel.job where queue = '${queue}' and state in (${state}) order by id`,
  );

/** Starts the waiting run immediately, and returns its result. */
async function runNow(queue: string): Promise<Record<string, unknown>> {
  const ended = async () => await runs(queue, 'state, result, last_error as error', `'succeeded', 'failed'`);
  const before = (await ended()).length;
  await world.db.asAdmin(
    `update kernel.job set run_at = now() where queue = '${queue}' and state = 'pending'; notify ${JOB_CHANNEL}`,
  );
  await expect.poll(async () => (await ended()).length, SOON).toBe(before + 1);
  return (await ended())[before]!;
}

test('one collection and one inventory wait at any time, however many processes there are', async () => {
  await Promise.all([start(), start(), start()]);
  const waiting = async (queue: string) =>
    await runs(queue, `round(extract(epoch from run_at - now()) / 60)::int as minutes`, `'pending'`);
  expect(await waiting('content collection')).toEqual([{ minutes: 2 }]);
  expect(await waiting('content inventory')).toEqual([{ minutes: 7 * 24 * 60 }]);
  for (let n = 0; n < 2; n += 1) {
    expect(await runNow('content collection')).toMatchObject({ state: 'succeeded' });
    expect(await runNow('content inventory')).toMatchObject({ state: 'succeeded' });
    expect(await waiting('content collection')).toEqual([{ minutes: 60 }]);
    expect(await waiting('content inventory')).toEqual([{ minutes: 7 * 24 * 60 }]);
  }
});

test('unreferenced content is deleted, and the report is stored with the run', async () => {
  await start();
  const owner = await owned();
  await attach(owner, 'held', 'n');
  await world.hasty.upload(Readable.from(['held by nobody']), { projectId: owner.projectId, quota: null });
  expect(await runNow('content collection')).toMatchObject({ state: 'succeeded', result: { leases: 1, blobs: 1 } });
  expect(await world.stored()).toEqual([locatorOf('held')]);
  await world.blobs.put(Readable.from(['an orphan']));
  expect(await runNow('content inventory')).toMatchObject({ result: { listed: 2, adopted: 1, missing: [] } });
  expect(await runNow('content collection')).toMatchObject({ result: { blobs: 1 } });
  expect(await world.stored()).toEqual([locatorOf('held')]);
});

test('content that is missing is an error in the log', async () => {
  const { log } = await start();
  const owner = await owned();
  await attach(owner, 'to be lost', 'n');
  await world.blobs.delete(locatorOf('to be lost'));
  expect(await runNow('content inventory')).toMatchObject({ result: { missing: [locatorOf('to be lost')] } });
  expect(log).toContainEqual(expect.objectContaining({ level: 'error', message: expect.stringContaining('missing') }));
  await attach(owner, 'to be lost', 'again');
});

test('a copy of the database with the same store deletes no content there', async () => {
  const { log } = await start();
  const orphan = await world.blobs.put(Readable.from(['the original’s']));
  const [original] = await world.db.asAdmin('select epoch from kernel.cursor');
  // As an import does: see the kernel’s slice.
  await world.db.asAdmin('update kernel.cursor set epoch = gen_random_uuid()');
  try {
    for (const queue of ['content inventory', 'content collection']) {
      const { state, error } = await runNow(queue);
      expect([state, error]).toEqual(['failed', expect.stringContaining(String(original!['epoch']))]);
      expect(error).toContain(`remove ${world.root}/owner`);
    }
    expect(await world.stored()).toContain(orphan.locator);
    expect(log.filter(({ level }) => level === 'error')).toHaveLength(2);
    expect(await runs('content collection', `run_at > now() + interval '50 minutes' as later`, `'pending'`)).toEqual([
      { later: true },
    ]);
  } finally {
    await world.db.asAdmin(`update kernel.cursor set epoch = '${String(original!['epoch'])}'`);
  }
  await world.blobs.delete(orphan.locator);
});

test('an inventory adopts unknown objects and names lost ones', async () => {
  const { database } = world.db;
  const inventory = async () => await takeInventory(database, world.blobs, never);
  const owner = await owned();
  for (let n = 0; n < 5; n += 1) await attach(owner, `kept ${n}`, String(n));
  const orphan = await world.blobs.put(Readable.from(['an orphan']));
  await world.blobs.put(Readable.from(['another orphan']));
  const lost = locatorOf('kept 3');
  await world.blobs.delete(lost);
  expect(await inventory()).toMatchObject({ adopted: 2, missing: [lost] });
  await expect(world.content.open(owner, '3')).rejects.toMatchObject({ code: 'content_missing' });
  // One orphan is uploaded again: from now on it has a row with its digest.
  await attach(owner, 'an orphan', 'orphan');
  expect(await world.content.stat(owner, 'orphan')).toMatchObject({ sha256: orphan.sha256 });
  // Uploading the lost content again heals every reference to it.
  await attach(owner, 'kept 3', 'again');
  const { bytes } = await world.content.open(owner, '3');
  expect(Buffer.concat(await bytes.toArray()).toString()).toBe('kept 3');
  expect([...(await findProblems(world)), ...(await garbage(world))]).toEqual([]);
  expect((await inventory()).adopted).toBe(0);
});
