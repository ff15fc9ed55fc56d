/** Collection of outputs: limits before a byte is copied, cancel and delete while it is under way, no remains. */
import { readdir, rm } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import type { Execution, SubmitExecutionInput } from '@dais/api/executions';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf } from '#kernel/testing/test-kernel.ts';
import { startExecutionsWorld, type ExecutionsWorld } from '../testing/executions-world.ts';

let world: ExecutionsWorld;
let worker: { stop(): Promise<void> };

beforeAll(async () => {
  world = await startExecutionsWorld();
  worker = await world.worker();
});
afterAll(async () => {
  await worker.stop();
  await world.stop();
});

const PATIENCE = { timeout: 60_000, interval: 20 };
const GIB = 2 ** 30;

function sh(script: string, outputs: Readonly<Record<string, string>> = {}): SubmitExecutionInput['steps'][string] {
  return {
    command: ['sh', '-c', script],
    isolation: 'none',
    outputs: Object.fromEntries(Object.entries(outputs).map(([name, path]) => [name, { path }])),
  };
}

/** Counts remains of an interrupted collection: temporary files of the store, upload leases, folders of attempts. */
async function remains(): Promise<object> {
  const [leases] = await world.db.asAdmin('select count(*)::int as n from kernel.upload_lease');
  return { temporary: await temporaryFiles(), leases: leases?.['n'], attempts: (await world.kept()).length };
}

const temporaryFiles = async () => (await readdir(`${world.folder}/blobs/tmp`)).length;
const NOTHING = { temporary: 0, leases: 0, attempts: 0 };

test('a sparse output beyond the disk limit is rejected before a byte is copied', async () => {
  const from = Date.now();
  const run = await world.run({ steps: { main: sh('truncate -s 1T o', { o: 'o' }) } });
  expect(run.state).toBe('failed');
  expect((await world.node(run, 'main')).error).toMatch(
    /^Output `o` is 1 TiB; the disk limit of the step is 10 GiB\. .*`resources\.disk`/,
  );
  expect(Date.now() - from).toBeLessThan(20_000);
  await expect.poll(remains, PATIENCE).toEqual(NOTHING);
});

test('outputs count together, folders with all their files', async () => {
  const script = 'mkdir -p d/e; truncate -s 6G d/a; truncate -s 3G d/e/b; truncate -s 2G f';
  const run = await world.run({ steps: { main: sh(script, { d: 'd', f: 'f' }) } });
  expect((await world.node(run, 'main')).error).toMatch(
    /^The outputs are 11 GiB together \(largest: `d`, 9 GiB\); the disk limit of the step is 10 GiB\./,
  );
});

test('a step can request more disk, up to the maximum of the operator', async () => {
  const ask = (disk: number) => ({ ...sh('truncate -s 11G o; rm o; echo x > o', { o: 'o' }), resources: { disk } });
  const tooMuch = await world.run({ steps: { main: ask(200 * GIB) } });
  expect((await world.node(tooMuch, 'main')).error).toMatch(/200 GiB of disk.* limit is 100 GiB/);
  expect((await world.run({ steps: { main: ask(12 * GIB) } })).state).toBe('succeeded');
});

test('a sparse file within the limit is stored with its full size', async () => {
  const script = 'truncate -s 3M o; printf end >> o; printf start | dd of=o conv=notrunc 2>/dev/null';
  const run = await world.run({ steps: { main: sh(script, { o: 'o' }) } });
  const { outputs } = await world.node(run, 'main');
  expect(outputs['o']).toMatchObject({ files: [{ bytes: 3 * 2 ** 20 + 3 }] });
});

test('cancel stops a collection immediately, and delete works afterwards', async () => {
  const run = await world.submit({
    steps: { main: sh('truncate -s 9G o; echo written', { o: 'o' }) },
  });
  await expect.poll(temporaryFiles, { ...PATIENCE, interval: 5 }).toBe(1);
  const from = Date.now();
  await world.dais.call('execution.cancel', { id: run.id });
  expect((await world.ended(run)).state).toBe('canceled');
  expect(Date.now() - from).toBeLessThan(2000);
  // Its earlier output is kept.
  expect(await world.log(run)).toBe('written\n');
  await world.dais.call('execution.delete', { id: run.id });
  await expect.poll(remains, PATIENCE).toEqual(NOTHING);
});

test('a canceled run can be deleted while its step still runs; the step ends with it', async () => {
  const mark = `/dev/shm/dais-deleted-${randomUUID()}`;
  const script = `trap "" TERM; echo up > ${mark}; while :; do sleep 0.05; done`;
  const run = await world.submit({ steps: { main: sh(script) } });
  await expect.poll(async () => (await world.attempts(run))[0]?.state, PATIENCE).toBe('started');
  expect(await codeOf(world.dais.call('execution.delete', { id: run.id }))).toBe('invalid_state');
  await world.dais.call('execution.cancel', { id: run.id });
  await world.dais.call('execution.delete', { id: run.id });
  expect(await codeOf(world.dais.call('execution.get', { id: run.id }))).toBe('not_found');
  await expect.poll(remains, PATIENCE).toEqual(NOTHING);
  await rm(mark, { force: true });
});

test('a collection that was interrupted and then canceled does not resume after a restart', async () => {
  const run = await world.submit({ steps: { main: sh('truncate -s 9G o', { o: 'o' }) } });
  await expect.poll(temporaryFiles, { ...PATIENCE, interval: 5 }).toBe(1);
  await worker.stop();
  expect(await temporaryFiles()).toBe(0);
  await world.dais.call('execution.cancel', { id: run.id });
  let seen = 0;
  const watch = setInterval(() => void temporaryFiles().then((n) => (seen = Math.max(seen, n))), 2);
  worker = await world.worker();
  expect((await world.ended(run)).state).toBe('canceled');
  clearInterval(watch);
  expect(seen).toBe(0);
  await expect.poll(remains, PATIENCE).toEqual(NOTHING);
});

test('outputs beyond the quota of the project are rejected before they are copied', async () => {
  await world.dais.call('project.create', {
    manifest: {
      apiVersion: 'dais.dev/v1',
      kind: 'Project',
      metadata: { name: 'small' },
      spec: { quotas: { blobBytes: 2 ** 20 } },
    },
  });
  const run = await world.dais.call<Execution>(
    'execution.submit',
    { name: 'r', steps: { main: sh('truncate -s 2M o', { o: 'o' }) } },
    { projects: ['small'] },
  );
  const get = async () => await world.dais.call<Execution>('execution.get', { id: run.id }, { projects: ['small'] });
  await expect.poll(async () => (await get()).endedAt !== undefined, PATIENCE).toBe(true);
  const nodes = await world.dais.call<{ items: { error?: string }[] }>(
    'execution.nodes',
    { id: run.id },
    { projects: ['small'] },
  );
  expect(nodes.items.map(({ error }) => error)).toEqual([
    expect.stringMatching(/^Output `o` is 2 MiB; the project uses .* of its storage quota of 1 MiB/),
  ]);
});

test('special files are omitted, and a file with two names is counted once', async () => {
  const script = 'mkdir o; mkfifo o/p; truncate -s 40M o/a; ln o/a o/b';
  const run = await world.run({
    steps: { main: { ...sh(script, { o: 'o' }), resources: { disk: 60 * 2 ** 20 } } },
  });
  expect(run.state).toBe('succeeded');
  expect((await world.node(run, 'main')).outputs['o']).toMatchObject({ files: [{ files: 2 }] });
});
