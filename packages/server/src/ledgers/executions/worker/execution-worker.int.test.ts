import { randomUUID } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { DaisError } from '@dais/api';
import type { Execution, ExecutionLog, SubmitExecutionInput } from '@dais/api/executions';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { openProcessCompute } from '#engines/compute/process/process-compute.ts';
import type { JobIo } from '#kernel/job-runner.ts';
import { codeOf, manifest } from '#kernel/testing/test-kernel.ts';
import { freshName } from '#kernel/testing/test-project.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { executionRetention } from '../runs/removal.ts';
import { startExecutionsWorld, type ExecutionsWorld } from '../testing/executions-world.ts';

let world: ExecutionsWorld;

beforeAll(async () => {
  world = await startExecutionsWorld();
});
afterEach(async () => {
  await world.stopWorkers();
  // Workers with another place leave tasks on the engine, which only they remove.
  for await (const attempt of world.compute.attempts()) await world.compute.forget(attempt);
});
afterAll(async () => {
  await world.stop();
});

const PATIENCE = { timeout: 60_000, interval: 30 };

function sh(script: string): SubmitExecutionInput['steps'][string] {
  return { command: ['sh', '-c', script], isolation: 'none' };
}

/** Lines that steps write at their start. */
async function journalOf<T>(work: (path: string, lines: () => Promise<string[]>) => Promise<T>): Promise<T> {
  const path = `/dev/shm/dais-journal-${randomUUID()}`;
  const lines = async () => (await readFile(path, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
  try {
    return await work(path, lines);
  } finally {
    await rm(path, { force: true });
  }
}

test('the next process finishes the steps of a stopped one', async () => {
  await journalOf(async (journal, lines) => {
    const first = await world.worker();
    const go = `${journal}-go`;
    const run = await world.submit({
      steps: { main: sh(`echo x >> ${journal}; while ! test -e ${go}; do sleep 0.05; done; echo done`) },
    });
    await expect.poll(lines, PATIENCE).toEqual(['x']);
    await first.stop();
    const second = await world.worker();
    await writeFile(go, '');
    expect((await world.ended(run)).state).toBe('succeeded');
    expect(await world.log(run)).toBe('done\n');
    expect([await lines(), (await world.attempts(run)).length]).toEqual([['x'], 1]);
    await rm(go);
    await second.stop();
  });
});

test('after an upgrade, a node takes over the attempts that its engine has under the former name of its place', async () => {
  await journalOf(async (journal, lines) => {
    const go = `${journal}-go`;
    const before = await world.worker({ place: () => 'host:/data' });
    const run = await world.submit({
      steps: { main: sh(`echo x >> ${journal}; while ! test -e ${go}; do sleep 0.05; done; echo done`) },
    });
    await expect.poll(lines, PATIENCE).toEqual(['x']);
    const places = async () =>
      (await world.db.asAdmin(`select run, compute_node from executions.attempt where state = 'started'`)).map(
        ({ run: id, compute_node: place }) => `${id === run.id ? 'ours' : 'theirs'} ${String(place)}`,
      );
    await expect.poll(places, PATIENCE).toEqual(['ours host:/data']);
    await before.stop();
    // Another node had the same host name and data folder: its engine has an attempt that ours does not.
    const elsewhere = await openProcessCompute({
      root: `${world.folder}/elsewhere`,
      clock: systemClock,
      log: silentLog,
    });
    const other = await world.worker({ place: () => 'other', compute: async () => await Promise.resolve(elsewhere) });
    const theirs = await world.submit({ steps: { main: sh('sleep 300') } });
    await expect.poll(async () => (await places()).toSorted(), PATIENCE).toHaveLength(2);
    await other.stop();
    const rename = async (place: string) =>
      void (await world.db.asAdmin(
        `update executions.attempt set compute_node = '${place}' where run = '${theirs.id}'`,
      ));
    await rename('host:/data');
    const after = await world.worker({ place: () => 'node-1', formerPlace: 'host:/data' });
    await expect.poll(async () => (await places()).toSorted(), PATIENCE).toEqual(['ours node-1', 'theirs host:/data']);
    await writeFile(go, '');
    expect((await world.ended(run)).state).toBe('succeeded');
    expect([await lines(), (await world.attempts(run)).map(({ ending }) => ending)]).toEqual([['x'], ['exit']]);
    expect((await world.attempts(theirs)).map(({ state }) => state)).toEqual(['started']);
    expect(await world.db.asAdmin(`select id from executions.compute_node where id = 'host:/data'`)).toEqual([]);
    await after.stop();
    await rename('other');
    const back = await world.worker({ place: () => 'other', compute: async () => await Promise.resolve(elsewhere) });
    await world.dais.call('execution.cancel', { id: theirs.id });
    expect((await world.ended(theirs)).state).toBe('canceled');
    await back.stop();
    await elsewhere.close();
    await rm(go);
  });
});

test('the concurrency of steps counts on each node, and a node without steps claims none', async () => {
  await journalOf(async (journal, lines) => {
    const go = `${journal}-go`;
    const script = `echo x >> ${journal}; while ! test -e ${go}; do sleep 0.05; done`;
    const controller = await world.worker({ place: () => 'node-0' }, { steps: false });
    const run = await world.submit({ steps: Object.fromEntries([1, 2, 3, 4, 5].map((n) => [`s${n}`, sh(script)])) });
    const workers = [
      await world.worker({ place: () => 'node-1', concurrency: 2 }),
      await world.worker({ place: () => 'node-2', concurrency: 2 }),
    ];
    const counts = async () =>
      (
        await world.db.asAdmin(`select compute_node || ' ' || count(*) as text from executions.attempt
          where run = '${run.id}' and state <> 'ended' group by compute_node order by 1`)
      ).map(({ text }) => text);
    await expect.poll(counts, PATIENCE).toEqual(['node-1 2', 'node-2 2']);
    await expect.poll(async () => (await lines()).length, PATIENCE).toBe(4);
    await writeFile(go, '');
    expect((await world.ended(run)).state).toBe('succeeded');
    const machines = await world.db.asAdmin(
      `select id from executions.compute_node where id like 'node-%' order by id`,
    );
    expect(machines.map(({ id }) => id)).toEqual(['node-1', 'node-2']);
    await Promise.all([controller, ...workers].map(async (one) => await one.stop()));
    await rm(go);
  });
});

test('a node without steps ends the attempts of a dead node as lost, and queues their steps again', async () => {
  const gone = await world.worker({ place: () => 'node-gone', leaseMs: 600 });
  const run = await world.submit({ steps: { main: sh('exec sleep 300') } });
  const states = async () => (await world.attempts(run)).map(({ state, ending }) => ending ?? state);
  await expect.poll(states, PATIENCE).toEqual(['started']);
  await gone.stop();
  const controller = await world.worker({ place: () => 'node-0', leaseMs: 600 }, { steps: false });
  await expect.poll(states, PATIENCE).toEqual(['lost']);
  await expect.poll(async () => (await world.node(run, 'main')).state, PATIENCE).toBe('ready');
  await world.dais.call('execution.cancel', { id: run.id });
  expect((await world.ended(run)).state).toBe('canceled');
  await controller.stop();
});

test('tasks of other installations and nodes on the engine are left alone', async () => {
  const task = {
    command: ['sleep', '300'] as const,
    variables: {},
    secretVariables: {},
    inputs: [],
    outputs: [],
    resources: {},
    limits: {},
    isolation: 'none' as const,
    network: false,
  };
  const [own, other, unknown] = [randomUUID(), randomUUID(), randomUUID()];
  await world.compute.submit({ ...task, attempt: own, owner: 'node-1' });
  await world.compute.submit({ ...task, attempt: other, owner: 'node-2' });
  await world.compute.submit({ ...task, attempt: unknown });
  const worker = await world.worker({ place: () => 'node-1' });
  await world.run({ steps: { main: sh('true') } });
  await expect.poll(async () => (await world.kept()).toSorted(), PATIENCE).toEqual([other, unknown].toSorted());
  for (const attempt of [other, unknown]) await world.compute.forget(attempt);
  await worker.stop();
});

test('attempts on a lost machine are lost, and retried without counting as failures', async () => {
  await journalOf(async (journal, lines) => {
    const gone = await world.worker({ place: () => 'another machine', leaseMs: 600 });
    const script = `echo x >> ${journal}; test $(wc -l < ${journal}) -gt 1 || exec sleep 300`;
    const run = await world.submit({ steps: { main: sh(script) } });
    await expect.poll(lines, PATIENCE).toEqual(['x']);
    await gone.stop();
    const here = await world.worker({ leaseMs: 600 });
    expect((await world.ended(run)).state).toBe('succeeded');
    expect((await world.attempts(run)).map(({ ending }) => ending)).toEqual(['lost', 'exit']);
    await here.stop();
  });
});

test('a control plane that was unavailable until another finished its step commits no result', async () => {
  await journalOf(async (journal, lines) => {
    const go = `${journal}-go`;
    // With one connection, which the test closes: then it neither renews its leases nor commits.
    const database = world.db.open({ poolSize: 1 });
    const away = await world.worker({ database, leaseMs: 600 });
    const first = `while ! test -e ${go}; do sleep 0.05; done; printf first > out`;
    const script = `echo x >> ${journal}; if test $(wc -l < ${journal}) -gt 1; then printf second > out; else ${first}; fi`;
    const step = { ...sh(script), outputs: { out: { path: 'out' }, word: { path: 'out', as: 'text' as const } } };
    const run = await world.submit({ steps: { main: step } });
    await expect.poll(lines, PATIENCE).toEqual(['x']);
    const started = async () => (await world.attempts(run)).map(({ state }) => state);
    await expect.poll(started, PATIENCE).toEqual(['started']);
    const here = await database.transaction({ mode: 'read', scope: 'all' }, async (sql) => {
      await sql.query('select 1');
      const other = await world.worker({ place: () => 'another machine', leaseMs: 600 });
      expect((await world.ended(run)).state).toBe('succeeded');
      await writeFile(go, '');
      return other;
    });
    // It has lost its lease, and stores nothing.
    await expect.poll(async () => await world.kept(), PATIENCE).toEqual([]);
    const attempts = await world.attempts(run);
    expect(attempts.map(({ ending }) => ending)).toEqual(['lost', 'exit']);
    expect((await world.node(run, 'main')).outputs['word']).toEqual({ parameter: 'second' });
    const files = await world.dais.call<{ items: { name: string }[] }>('execution.files', { id: run.id });
    expect(files.items.map(({ name }) => name)).toEqual([`steps/${attempts[1]?.id}/out`]);
    const ends = `select state from executions.transition where run = '${run.id}' and state = 'succeeded'`;
    // Of the step and of the run.
    expect(await world.db.asAdmin(ends)).toHaveLength(2);
    await away.stop();
    await here.stop();
    await rm(go);
  });
});

test('higher priorities of a project start first, and projects take turns', async () => {
  await journalOf(async (journal, lines) => {
    const other = freshName();
    await world.dais.call('project.create', { manifest: manifest('Project', other) });
    const submit = async (name: string, priority: number, projects: readonly string[] = []) =>
      await world.dais.call<Execution>(
        'execution.submit',
        { name, priority, steps: { main: sh(`echo ${name} >> ${journal}`) } },
        { projects },
      );
    const runs = [await submit('a1', 0), await submit('a2', 0), await submit('a3', 0)];
    await submit('b1', 0, [other]);
    runs.push(await submit('urgent', 5));
    // One step at a time, so that the journal shows the order of claims.
    const worker = await world.worker({ concurrency: 1 });
    for (const run of runs) await world.ended(run);
    await expect.poll(async () => (await lines()).length, PATIENCE).toBe(5);
    const started = await lines();
    expect(started.filter((name) => name !== 'b1')).toEqual(['urgent', 'a1', 'a2', 'a3']);
    // The steps of earlier tests count as recent use of the first project.
    expect(started.indexOf('b1')).toBeLessThan(2);
    await worker.stop();
  });
});

test('a project runs no more steps than its limit', async () => {
  await journalOf(async (journal, lines) => {
    const worker = await world.worker({ limits: { runningSteps: 2, queuedSteps: 100 } });
    const go = `${journal}-go`;
    const script = `echo x >> ${journal}; while ! test -e ${go}; do sleep 0.05; done`;
    const names = ['a', 'b', 'c', 'd'];
    const run = await world.submit({ steps: Object.fromEntries(names.map((name) => [name, sh(script)])) });
    await expect.poll(async () => (await lines()).length, PATIENCE).toBe(2);
    const nodes = async () => (await world.dais.call<Execution>('execution.get', { id: run.id })).nodes;
    expect(await nodes()).toEqual({ running: 2, ready: 2 });
    const open = await world.worker({ limits: { runningSteps: 3, queuedSteps: 100 } });
    await expect.poll(async () => (await lines()).length, PATIENCE).toBe(3);
    await writeFile(go, '');
    expect((await world.ended(run)).state).toBe('succeeded');
    await rm(go);
    await worker.stop();
    await open.stop();
  });
});

test('the log of all attempts streams to its end; a deleted run leaves no data', async () => {
  const worker = await world.worker();
  const run = await world.submit({
    steps: { main: { ...sh('printf "a\\303"; sleep 0.5; printf "\\244b\\n"; exit 1'), retry: { count: 1 } } },
  });
  let text = '';
  let frames = 0;
  for await (const frame of await world.dais.watch<ExecutionLog>('execution.follow', { id: run.id })) {
    text += frame.text;
    frames += 1;
    if (frame.ended) break;
  }
  // Both attempts, and no character torn.
  expect(text).toBe('aäb\naäb\n');
  expect(frames).toBeGreaterThan(1);
  await world.ended(run);
  await world.dais.call('execution.delete', { id: run.id });
  const left = await world.db.asAdmin(
    `select (select count(*)::int from executions.attempt where run = '${run.id}') as attempts,
       (select count(*)::int from kernel.blob_ref where owner = '${run.id}') as files`,
  );
  expect(left).toEqual([{ attempts: 0, files: 0 }]);
  await worker.stop();
});

test('a package index that does not respond fails the attempt with that reason', async () => {
  const environments = async () =>
    await Promise.reject(new DaisError('upstream_failed', 'The index https://packages.example does not answer.'));
  const worker = await world.worker({ environments });
  const run = await world.submit({ steps: { main: { command: ['true'], environment: { type: 'python' } } } });
  const ends = async () => (await world.attempts(run)).map(({ ending, error }) => [ending, error]).slice(0, 1);
  await expect.poll(ends, PATIENCE).toEqual([['lost', 'The index https://packages.example does not answer.']]);
  await world.dais.call('execution.cancel', { id: run.id });
  expect((await world.ended(run)).state).toBe('canceled');
  await worker.stop();
});

test.each([
  ['address_refused', 'packages.example resolves to 10.0.0.1, a private address; outbound.allowHosts can allow it'],
  ['forbidden', 'The registry refused the image.'],
] as const)('a refusal with %s fails the step immediately with its reason', async (code, reason) => {
  const environments = async () => await Promise.reject(new DaisError(code, reason));
  const worker = await world.worker({ environments });
  const run = await world.run({
    steps: { main: { command: ['true'], environment: { type: 'python' }, retry: { count: 3 } } },
  });
  expect(run).toMatchObject({ state: 'failed' });
  expect((await world.attempts(run)).map(({ ending, error }) => [ending, error])).toEqual([['refused', reason]]);
  await worker.stop();
});

test('old runs are deleted with their files', async () => {
  const worker = await world.worker();
  const [old, fresh] = [
    await world.run({ steps: { main: sh('echo x') } }),
    await world.run({ steps: { main: sh('true') } }),
  ];
  await world.db.asAdmin(`update executions.run set ended_at = now() - interval '3 days' where id = '${old.id}'`);
  const write: JobIo['write'] = async (work) => await world.dais.write(work);
  const io = { signal: new AbortController().signal, progress: () => {}, read: write, write };
  const job = {
    id: '',
    queue: '',
    projectId: '',
    payload: {},
    attempt: 1,
    maxAttempts: 1,
    epoch: 1n,
    cancelRequested: false,
  };
  expect(await executionRetention(2).run(job, io)).toEqual({ runs: 1, fires: 0 });
  expect(await codeOf(world.dais.call('execution.get', { id: old.id }))).toBe('not_found');
  expect((await world.dais.call<Execution>('execution.get', { id: fresh.id })).state).toBe('succeeded');
  const left = await world.db.asAdmin(`select 1 from kernel.blob_ref where owner = '${old.id}'`);
  expect([left, await executionRetention(0).run(job, io)]).toEqual([[], { runs: 0, fires: 0 }]);
  await worker.stop();
});
