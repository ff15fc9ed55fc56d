/** Crashes of Dais, a shim or the machine at each point while a task is submitted, runs or ends. */
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { run, type ChildProcess } from '#lib/process.ts';
import { startModule } from '#lib/module-program.testing.ts';
import type { Compute } from '../contract.ts';
import { never, shell, textOf, untilWritten } from '../suite.ts';
import type { CrashWork } from './crash-worker.testing.ts';
import { openProcessCompute, type ProcessComputeOptions } from './process-compute.ts';
import { SECOND_START, shimArguments } from './shim/shim.ts';
import { readProcess } from './task-processes.ts';
import type { CrashPoint } from './task-dependencies.ts';

let root: string;
let effects: string;
const open: Compute[] = [];
const workers: ChildProcess[] = [];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'dais-crashes-'));
  effects = join(root, 'effects');
  await writeFile(effects, '');
});
afterEach(async () => {
  for (const worker of workers.splice(0)) worker.kill('SIGKILL');
  await again();
  for (const compute of open.splice(0)) {
    for await (const attempt of compute.attempts()) await compute.forget(attempt);
    await compute.close();
  }
  await rm(root, { recursive: true });
});

/** The engine of a Dais that is started. */
async function again(options: Partial<ProcessComputeOptions> = {}): Promise<Compute> {
  const compute = await openProcessCompute({ root: tasksRoot(), clock: systemClock, log: silentLog, ...options });
  open.push(compute);
  return compute;
}

const tasksRoot = () => join(root, 'compute');
const fileOf = (attempt: string, name: string) => join(tasksRoot(), 'tasks', attempt, name);
/** Each line is one start of the command. */
const starts = async () => (await readFile(effects, 'utf8')).split('\n').filter(Boolean);

/** A process that works on the same folder until it is killed. */
async function work(tasks: CrashWork['tasks'], at?: CrashPoint): Promise<ChildProcess> {
  const reported: CrashWork = { root: tasksRoot(), tasks, ...(at !== undefined && { at }) };
  const worker = await startModule({
    module: new URL('crash-worker.testing.ts', import.meta.url),
    statement: 'await program.workUntilKilled(JSON.parse(process.argv[2]));',
    argument: reported,
    env: { PATH: process.env['PATH'] },
    stdout: 'pipe',
    stderr: 'inherit',
  });
  workers.push(worker);
  return worker;
}

async function killedAt(point: CrashPoint, script: string): Promise<string> {
  const attempt = `at-${point}`;
  const worker = await work([{ attempt, script }], point);
  const [code, signal] = (await once(worker, 'exit')) as [number | null, string | null];
  expect({ code, signal }).toEqual({ code: null, signal: 'SIGKILL' });
  return attempt;
}

async function output(worker: ChildProcess, words: string): Promise<void> {
  let text = '';
  for await (const chunk of worker.stdout!) {
    text += String(chunk);
    if (text.includes(words)) return;
  }
  throw new Error(`the worker ended with the output ${text}`);
}

async function kill(worker: ChildProcess): Promise<void> {
  worker.kill('SIGKILL');
  if (worker.exitCode === null && worker.signalCode === null) await once(worker, 'exit');
}

const once7 = () => `echo started >>${effects}; echo out; exit 7`;

test('killed during staging: no task exists, and the staged files are swept', async () => {
  const attempt = await killedAt('staged', once7());
  expect(await readdir(join(tasksRoot(), 'staging'))).toHaveLength(1);
  const compute = await again();
  expect(await compute.status(attempt)).toBeUndefined();
  expect(await readdir(join(tasksRoot(), 'staging'))).toEqual([]);
  await compute.submit(shell(once7(), { attempt }));
  expect(await compute.wait(attempt, never)).toMatchObject({ code: 7 });
  expect(await starts()).toEqual(['started']);
});

test.each(['submitted', 'prepared', 'spawned', 'ended', 'result'] as const)(
  'killed at %s: the next Dais completes the task, which ran once',
  async (point) => {
    const attempt = await killedAt(point, once7());
    const compute = await again();
    expect(await compute.wait(attempt, never)).toMatchObject({ phase: 'ended', end: 'exit', code: 7 });
    expect(await textOf(compute, attempt)).toBe('out\n');
    expect(await starts()).toEqual(['started']);
  },
);

test('killed while it runs: the command continues, with complete output and exit code', async () => {
  const script = `echo started >>${effects}; echo before; while [ ! -e ${root}/go ]; do sleep 0.02; done; echo after; exit 7`;
  const worker = await work([{ attempt: 'runs', script }]);
  await output(worker, 'submitted runs');
  await expect.poll(starts, { interval: 20 }).toHaveLength(1);
  await kill(worker);
  const compute = await again();
  expect(await compute.wait('runs', AbortSignal.abort())).toMatchObject({ phase: 'running' });
  await writeFile(join(root, 'go'), '');
  expect(await compute.wait('runs', never)).toMatchObject({ phase: 'ended', code: 7 });
  expect(await textOf(compute, 'runs')).toBe('before\nafter\n');
  expect(await starts()).toHaveLength(1);
});

test('ended without a running Dais: exit code, output and usage are available', async () => {
  const script = `echo started >>${effects}; while [ ! -e ${root}/go ]; do sleep 0.02; done; seq 100000; exit 7`;
  const worker = await work([{ attempt: 'ends', script }]);
  await output(worker, 'submitted ends');
  await expect.poll(starts, { interval: 20 }).toHaveLength(1);
  await kill(worker);
  await writeFile(join(root, 'go'), '');
  await expect
    .poll(async () => await readFile(fileOf('ends', 'rc'), 'utf8').catch(() => ''), { interval: 20 })
    .toMatch(/^7 0\n/);
  const compute = await again();
  const state = await compute.wait('ends', never);
  expect(state).toMatchObject({ phase: 'ended', code: 7 });
  expect((await textOf(compute, 'ends')).length).toBe(588_895);
});

test('two instances on one folder start a task once', async () => {
  const attempt = await killedAt('prepared', once7());
  const both = await Promise.all([again(), again()]);
  for (const compute of both) expect(await compute.wait(attempt, never)).toMatchObject({ code: 7 });
  expect(await starts()).toEqual(['started']);
});

test('a second start of a shim does nothing', async () => {
  const compute = await again();
  await compute.submit(shell(once7(), { attempt: 'twice' }));
  await compute.wait('twice', never);
  const folder = fileOf('twice', '.');
  const args = shimArguments({
    folder,
    segmentBytes: 4096,
    segments: 2,
    controlGroups: [],
    program: ['sh', '-c', once7()],
  });
  expect(await run('sh', args, { env: { PATH: '/usr/bin:/bin' } })).toMatchObject({ code: SECOND_START });
  expect(await starts()).toEqual(['started']);
});

test('a killed shim loses its task, and the remaining processes end', async () => {
  const compute = await again();
  const script = `echo $$ >>${effects}; echo up; while :; do sleep 0.05; done`;
  await compute.submit(shell(script, { attempt: 'orphan' }));
  await untilWritten(compute, 'orphan', 'up');
  const shim = Number((await readFile(fileOf('orphan', 'pid'), 'utf8')).split(' ')[0]);
  const command = Number((await starts())[0]);
  expect(readProcess(command)).toBeDefined();
  process.kill(shim, 'SIGKILL');
  expect(await compute.wait('orphan', never)).toMatchObject({
    phase: 'lost',
    reason: expect.stringContaining(`process ${shim}`) as string,
  });
  await expect.poll(() => readProcess(command), { interval: 20 }).toBeUndefined();
});

test('a shim that is killed while there is no Dais is lost too', async () => {
  const worker = await work([{ attempt: 'alone', script: `echo $$ >>${effects}; exec sleep 1000` }]);
  await output(worker, 'submitted alone');
  await expect.poll(starts, { interval: 20 }).toHaveLength(1);
  await kill(worker);
  process.kill(Number((await readFile(fileOf('alone', 'pid'), 'utf8')).split(' ')[0]), 'SIGKILL');
  const compute = await again();
  expect(await compute.wait('alone', never)).toMatchObject({ phase: 'lost' });
  const command = Number((await starts())[0]);
  await expect.poll(() => readProcess(command), { interval: 20 }).toBeUndefined();
});

test('after a machine restart, running tasks are lost, ended ones are kept, queued ones start', async () => {
  const { cpu } = (await (await again()).abilities()).resources;
  const worker = await work([
    { attempt: 'done', script: 'exit 3' },
    { attempt: 'runs', script: `echo $$ >>${effects}; exec sleep 1000` },
  ]);
  await output(worker, 'submitted runs');
  await expect.poll(starts, { interval: 20 }).toHaveLength(1);
  await expect
    .poll(async () => await readFile(fileOf('done', 'rc'), 'utf8').catch(() => ''), { interval: 20 })
    .toMatch(/^3 0\n/);
  await kill(worker);
  // Simulates a restart: no earlier process exists, and the pid may be reused.
  const [pid] = (await readFile(fileOf('runs', 'pid'), 'utf8')).split(' ');
  process.kill(-Number(pid), 'SIGKILL');
  process.kill(Number((await starts())[0]), 'SIGKILL');
  await writeFile(fileOf('runs', 'pid'), `${process.pid} ${readProcess(process.pid)!.startTime} other-start\n`);
  const compute = await again();
  expect(await compute.wait('runs', never)).toMatchObject({
    phase: 'lost',
    reason: expect.stringContaining('restarted') as string,
  });
  expect(await compute.wait('done', never)).toMatchObject({ phase: 'ended', code: 3 });
  expect(cpu).toBeGreaterThan(0);
});

test('does not wait for a shim that could not write its pid', async () => {
  const attempt = await killedAt('submitted', once7());
  await run('mkdir', [fileOf(attempt, 'started')], { env: { PATH: '/usr/bin:/bin' } });
  const past = new Date(Date.now() - 3_600_000);
  await utimes(fileOf(attempt, 'started'), past, past);
  const compute = await again();
  expect(await compute.wait(attempt, never)).toMatchObject({ phase: 'refused' });
  expect(await starts()).toEqual([]);
});

test('a task ends when its folder is removed without a running Dais', async () => {
  const attempt = await killedAt('spawned', 'sleep 300');
  await expect.poll(async () => await readFile(fileOf(attempt, 'pid'), 'utf8').catch(() => '')).not.toBe('');
  const shim = Number.parseInt(await readFile(fileOf(attempt, 'pid'), 'utf8'), 10);
  expect(readProcess(shim)).toBeDefined();
  await rm(fileOf(attempt, '.'), { recursive: true });
  await expect.poll(() => readProcess(shim)).toBeUndefined();
});

test('a cancellation that a crash interrupted is carried on to the end', async () => {
  const worker = await work([
    { attempt: 'stubborn', script: `trap "" TERM; echo $$ >>${effects}; while :; do sleep 0.05; done` },
  ]);
  await output(worker, 'submitted stubborn');
  await expect.poll(starts, { interval: 20 }).toHaveLength(1);
  await kill(worker);
  await writeFile(fileOf('stubborn', 'cancel'), 'canceled');
  const past = new Date(Date.now() - 60_000);
  await utimes(fileOf('stubborn', 'cancel'), past, past);
  const compute = await again();
  expect(await compute.wait('stubborn', never)).toMatchObject({ phase: 'ended', end: 'canceled', signal: 'SIGKILL' });
});

test('loses no task and runs none twice under repeated kills', { timeout: 600_000 }, async () => {
  const total = 24;
  const tasks = Array.from({ length: total }, (_, n) => ({
    attempt: `t-${n}`,
    script: `echo t-${n} >>${effects}; sleep 0.0${n % 10}; echo out-${n}; exit ${n}`,
  }));
  let ended = 0;
  for (let round = 0; round < 8 && ended < total; round++) {
    const worker = await work(tasks);
    await output(worker, `submitted t-${Math.min(total - 1, round * 3)}\n`);
    await kill(worker);
    const names = await readdir(join(tasksRoot(), 'tasks'));
    ended = (
      await Promise.all(
        names.map(
          async (name) =>
            await readFile(fileOf(name, 'rc')).then(
              () => 1,
              () => 0,
            ),
        ),
      )
    ).filter(Boolean).length;
  }
  const compute = await again();
  for (const { attempt, script } of tasks) await compute.submit(shell(script, { attempt }));
  for (const [n, { attempt }] of tasks.entries()) {
    expect(await compute.wait(attempt, never)).toMatchObject({ phase: 'ended', code: n });
    expect(await textOf(compute, attempt)).toBe(`out-${n}\n`);
  }
  expect((await starts()).toSorted()).toEqual(tasks.map(({ attempt }) => attempt).toSorted());
});
