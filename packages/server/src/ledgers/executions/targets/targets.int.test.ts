/** Steps on a compute target, which is here a second engine of this machine behind the contract of targets. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { DaisError } from '@dais/api';
import type { ExecutionQueue, SubmitExecutionInput } from '@dais/api/executions';
import type { Compute } from '#engines/compute/contract.ts';
import type { TargetCompute, TargetReport } from '#engines/compute/model/target.ts';
import { openProcessCompute } from '#engines/compute/process/process-compute.ts';
import { codeOf, manifest } from '#kernel/testing/test-kernel.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { startExecutionsWorld, type ExecutionsWorld } from '../testing/executions-world.ts';
import type { ComputeTargets } from './compute-targets.ts';

const REPORT: TargetReport = {
  version: '1.36.3',
  problems: [],
  warnings: [],
  features: [],
  nodes: 1,
  resources: { cpu: 8 },
  largestTask: { cpu: 8 },
};

let world: ExecutionsWorld;
let remote: Compute;
let folder: string;
let isAway = false;
let report = REPORT;
/** While true, tasks on the target do not start. */
let holds = false;
const opened: string[] = [];

const targets: ComputeTargets = {
  open: async (uid, projectId) => {
    if (isAway) throw new DaisError('target_unavailable', 'The API server of the target does not respond.');
    opened.push(`${uid} ${projectId}`);
    return await Promise.resolve(uid === 'none' ? undefined : targetOf(remote));
  },
  probe: async () => await Promise.resolve(report),
};

/** The engine, with what targets have in addition. */
function targetOf(compute: Compute): TargetCompute {
  const preparing = new Set<string>();
  return {
    abilities: async () => await compute.abilities(),
    submit: async (spec) => {
      if (!holds) return await compute.submit(spec);
      preparing.add(spec.attempt);
      void waitUntil(() => !holds).then(async () => {
        await compute.submit(spec);
        preparing.delete(spec.attempt);
      });
    },
    status: async (attempt) => (preparing.has(attempt) ? { phase: 'preparing' } : await compute.status(attempt)),
    wait: async (attempt, signal) => {
      while (preparing.has(attempt) && !signal.aborted) await pause(20);
      return await compute.wait(attempt, signal);
    },
    logs: (attempt, options) => compute.logs(attempt, options),
    outputs: (attempt) => compute.outputs(attempt),
    cancel: async (attempt) => await compute.cancel(attempt),
    forget: async (attempt) => await compute.forget(attempt),
    attempts: (owner) => compute.attempts(owner),
    close: async () => await Promise.resolve(),
    note: () => 'waits for a node',
    agents: { handle: async () => await Promise.resolve({ status: 404 }) },
    url: 'http://dais.example',
  };
}

async function waitUntil(is: () => boolean): Promise<void> {
  while (!is()) await pause(20);
}

const PATIENCE = { timeout: 60_000, interval: 30 };

function cluster(name: string, spec: object = {}) {
  return manifest('Target', name, { type: 'kubernetes', cluster: { inCluster: true }, ...spec });
}

function sh(script: string, more: Partial<SubmitExecutionInput['steps'][string]> = {}) {
  return { command: ['sh', '-c', script], isolation: 'none' as const, target: 'gpu', ...more };
}

async function queue(): Promise<ExecutionQueue> {
  return await world.dais.call<ExecutionQueue>('execution.queue', {});
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-target-'));
  remote = await openProcessCompute({ root: folder, clock: systemClock, log: silentLog });
  world = await startExecutionsWorld({ targets });
  await world.dais.apply([cluster('gpu', { maxTasks: 2, pools: { a100: {} } })]);
});
afterAll(async () => {
  await world.stop();
  for await (const attempt of remote.attempts()) await remote.forget(attempt);
  await remote.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});
beforeEach(() => {
  [isAway, holds, report] = [false, false, REPORT];
  opened.length = 0;
});
afterEach(async () => await world.stopWorkers());

test('a step runs on its target, with its log, its outputs and the URL of Dais there', async () => {
  await world.worker();
  const run = await world.run({
    steps: {
      there: sh('echo $DAIS_URL; echo 42 > answer', { outputs: { answer: { path: 'answer', as: 'json' } } }),
      here: {
        ...sh('test "$DAIS_INPUT_ANSWER" = 42', { target: 'local' }),
        inputs: { answer: { step: 'there', output: 'answer' } },
      },
    },
  });
  expect(run.state).toBe('succeeded');
  const [there, here] = await Promise.all([world.attempts(run, 'there'), world.attempts(run, 'here')]);
  expect([there[0]?.target, here[0]?.target]).toEqual(['gpu', undefined]);
  // Only the engine of the target had it, and has forgotten it.
  expect(opened.length).toBeGreaterThan(0);
  const kept: string[] = [];
  for await (const attempt of remote.attempts()) kept.push(attempt);
  expect(kept).toEqual([]);
});

test('a step shows what it waits for, and starts when the target starts it', async () => {
  holds = true;
  await world.worker();
  const run = await world.submit({ steps: { main: sh('echo started') } });
  await expect
    .poll(async () => (await queue()).items.map(({ why, target, note }) => ({ why, target, note })), PATIENCE)
    .toEqual([{ why: 'starting', target: 'gpu', note: 'waits for a node' }]);
  expect((await world.attempts(run))[0]).toMatchObject({ state: 'claimed', note: 'waits for a node' });
  holds = false;
  expect((await world.ended(run)).state).toBe('succeeded');
  expect(await world.log(run)).toBe('started\n');
  expect((await world.attempts(run))[0]?.note).toBe(undefined);
});

test('steps beyond the limit of the target wait, and steps of this machine do not wait for them', async () => {
  await world.worker();
  const steps = Object.fromEntries(['a', 'b', 'c'].map((name) => [name, sh('sleep 60')]));
  const run = await world.submit({ steps: { ...steps, here: sh('true', { target: 'local' }) } });
  const waits = async () => (await queue()).items.map(({ why, target }) => `${why} ${target}`);
  await expect.poll(waits, PATIENCE).toEqual(['concurrency gpu']);
  await expect.poll(async () => (await world.node(run, 'here')).state, PATIENCE).toBe('succeeded');
  const { nodes } = await queue();
  expect(nodes.find(({ type }) => type === 'target')).toMatchObject({ name: 'gpu', concurrency: 2, runningSteps: 2 });
  await world.dais.call('execution.cancel', { id: run.id });
  expect((await world.ended(run)).state).toBe('canceled');
});

test('another process finishes the steps on a target of a process that stops', async () => {
  const first = await world.worker();
  const run = await world.submit({ steps: { main: sh('echo once; sleep 2') } });
  await expect.poll(async () => await world.log(run), PATIENCE).toBe('once\n');
  await first.stop();
  await world.worker({ place: () => 'another machine' });
  expect((await world.ended(run)).state).toBe('succeeded');
  expect([await world.log(run), (await world.attempts(run)).length]).toEqual(['once\n', 1]);
});

test('a step waits while its target is unavailable, says why, and runs when the target is back', async () => {
  isAway = true;
  await world.worker();
  const run = await world.submit({ steps: { main: sh('true') } });
  await expect
    .poll(async () => (await queue()).items[0]?.note, PATIENCE)
    .toBe('The API server of the target does not respond.');
  isAway = false;
  expect((await world.ended(run)).state).toBe('succeeded');
  expect((await world.attempts(run)).length).toBe(1);
});

test('a step of a canceled run ends while its target is unavailable', async () => {
  isAway = true;
  await world.worker();
  const run = await world.submit({ steps: { main: sh('true') } });
  await expect.poll(async () => (await queue()).items[0]?.note, PATIENCE).toContain('does not respond');
  await world.dais.call('execution.cancel', { id: run.id });
  expect((await world.ended(run)).state).toBe('canceled');
});

test('the project chooses the target of steps that name none', async () => {
  await world.worker();
  await world.dais.apply([manifest('Project', 'default', { target: 'gpu' })]);
  const run = await world.run({
    steps: { main: sh('true', { target: undefined }), here: sh('true', { target: 'local' }) },
  });
  expect(run.state).toBe('succeeded');
  expect((await world.attempts(run, 'main'))[0]?.target).toBe('gpu');
  expect((await world.attempts(run, 'here'))[0]?.target).toBe(undefined);
  const again = await world.dais.call<{ id: string }>('execution.retry', { id: run.id, again: ['main', 'here'] });
  await world.ended(again);
  expect((await world.attempts(again, 'main'))[0]?.target).toBe('gpu');
  expect((await world.attempts(again, 'here'))[0]?.target).toBe(undefined);
  await world.dais.apply([manifest('Project', 'default', {})]);
});

test('unknown targets and pools are refused with the names that exist', async () => {
  const submit = async (more: Partial<SubmitExecutionInput['steps'][string]>) =>
    await world.submit({ steps: { main: sh('true', more) } }).then(
      () => 'submitted',
      (error: unknown) =>
        (error as DaisError).issues?.map(({ path, message, expected }) => `${path} ${message}: ${expected}`),
    );
  expect(await submit({ target: 'gpus' })).toEqual(['steps.main.target the target "gpus" does not exist: gpu']);
  expect(await submit({ pool: 'h100' })).toEqual(['steps.main.pool the target "gpu" has no pool "h100": a100']);
  expect(await submit({ target: 'local', pool: 'a100' })).toEqual([
    'steps.main.pool the target "local" has no pool "a100": no pool',
  ]);
  expect(await submit({ pool: 'a100' })).toBe('submitted');
});

test('a target of other projects refuses steps', async () => {
  await world.dais.apply([cluster('theirs', { projects: ['flights'] })]);
  await expect(world.submit({ steps: { main: sh('true', { target: 'theirs' }) } })).rejects.toMatchObject({
    issues: [{ path: 'steps.main.target', message: 'the target "theirs" is not for the project "default"' }],
  });
});

test('a target with steps cannot be deleted; steps in the queue of a deleted one fail with the reason', async () => {
  await world.dais.apply([cluster('short')]);
  const worker = await world.worker();
  const run = await world.submit({ steps: { main: sh('sleep 60', { target: 'short' }) } });
  await expect.poll(async () => (await world.attempts(run))[0]?.state, PATIENCE).toBe('started');
  const remove = async () => await world.dais.call('target.delete', { name: 'short' });
  expect(await codeOf(remove())).toBe('conflict');
  await world.dais.call('execution.cancel', { id: run.id });
  await world.ended(run);
  await worker.stop();
  const late = await world.submit({ steps: { main: sh('true', { target: 'short' }) } });
  await remove();
  await world.worker();
  const failed = await world.ended(late);
  expect([failed.state, failed.error]).toEqual([
    'failed',
    expect.stringContaining('The target "short" does not exist.'),
  ]);
});

test('a default target that does not exist is refused, also when there is no other one', async () => {
  for (const name of ['gpu', 'theirs']) await world.dais.call('target.delete', { name });
  await world.dais.apply([manifest('Project', 'default', { target: 'gpu' })]);
  await expect(world.submit({ steps: { main: sh('true', { target: undefined }) } })).rejects.toMatchObject({
    issues: [{ path: 'steps.main.target', message: 'the target "gpu" (`spec.target` of the project) does not exist' }],
  });
});
