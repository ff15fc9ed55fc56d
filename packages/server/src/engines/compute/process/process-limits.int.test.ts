/** Limits of a task: memory, CPU, processes, log, disk, devices; and the behavior of the engine when the disk is full. */
import { writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { openIsolation } from '#engines/isolation/open-isolation.ts';
import { silentLog } from '#lib/log.ts';
import { run } from '#lib/process.ts';
import type { TaskState } from '../contract.ts';
import { expectRefusal, input, never, shell, textOf, untilWritten } from '../suite.ts';
import { startEngine, type TestEngine } from './engine.testing.ts';
import { openProcessCompute, type ProcessComputeOptions } from './process-compute.ts';

const MIB = 2 ** 20;
const SYSTEM_PATH = '/usr/sbin:/usr/bin:/sbin:/bin';

const engines: TestEngine[] = [];
const after: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const engine of engines.splice(0)) await engine.end();
  for (const undo of after.splice(0).toReversed()) await undo();
});

async function engineWith(options: Partial<ProcessComputeOptions> = {}, path?: string): Promise<TestEngine> {
  const engine = await startEngine(options, path);
  engines.push(engine);
  return engine;
}

/** Creates at most 255 processes, each with two children, so that it does not harm the machine when a limit fails. */
const BOMB =
  'bomb() { [ "$1" = 0 ] || { bomb $(($1 - 1)) & bomb $(($1 - 1)) & }; exec sleep 5; }; bomb 7 & exec sleep 1000';

const ended = (state: TaskState | undefined) => state as Extract<TaskState, { phase: 'ended' }>;

describe('with control groups', () => {
  /** Allocates this many bytes: a last line without an end. */
  const hold = (bytes: number): string => `head -c ${bytes} /dev/zero | tail -n 1 >/dev/null`;

  const withGroups = async (options: Partial<ProcessComputeOptions> = {}): Promise<TestEngine> => {
    const engine = await engineWith(options);
    const { limits } = await engine.compute.abilities();
    if (limits !== 'cgroup')
      throw new Error('This test needs control groups: run it as root, or in a delegated group.');
    return engine;
  };

  test('distinguishes an out-of-memory kill from other ends', async () => {
    const engine = await withGroups();
    const resources = { memory: 64 * MIB };
    const state = ended(await engine.finish(shell(hold(300 * MIB), { resources })));
    expect(state).toMatchObject({ phase: 'ended', end: 'out-of-memory', code: 137 });
    expect(state.usage.peakMemoryBytes).toBeGreaterThan(48 * MIB);
    expect(state.usage.peakMemoryBytes).toBeLessThanOrEqual(64 * MIB);
    const coped = await engine.finish(shell(`(${hold(300 * MIB)}) || echo coped`, { resources }));
    expect(coped).toMatchObject({ phase: 'ended', end: 'exit', code: 0 });
    expect(await engine.finish(shell(hold(20 * MIB), { resources }))).toMatchObject({ end: 'exit', code: 0 });
  });

  test('ends an isolated task at its memory limit', async () => {
    const engine = await withGroups();
    const spec = shell(hold(300 * MIB), { resources: { memory: 64 * MIB }, isolation: 'required' });
    expect(await engine.finish(spec)).toMatchObject({ phase: 'ended', end: 'out-of-memory' });
  });

  test('stops a fork bomb', async () => {
    const engine = await withGroups({ maxProcesses: 40 });
    // The shell must not need a new process once the limit is reached.
    const spec = shell(BOMB, { limits: { wallMs: 1500, graceMs: 0 } });
    expect(await engine.finish(spec)).toMatchObject({ phase: 'ended', end: 'wall-time' });
    expect(await engine.outputOf(shell('echo fine'))).toBe('fine\n');
  });

  test('limits CPU to a share of a core', async () => {
    const engine = await withGroups();
    const { usage } = ended(
      await engine.finish(
        shell('while :; do :; done', { resources: { cpu: 0.2 }, limits: { wallMs: 1500, graceMs: 0 } }),
      ),
    );
    expect(usage.cpuMs / usage.wallMs).toBeLessThan(0.35);
    expect(usage.cpuMs).toBeGreaterThan(0);
  });

  test('leaves no control group', async () => {
    const engine = await withGroups();
    await engine.outputOf(shell('true', { attempt: 'left-over' }));
    const found = await run('find', ['/sys/fs/cgroup', '-name', 'left-over'], { env: { PATH: SYSTEM_PATH } });
    expect(found.stdout.toString()).toBe('');
  });
});

describe('without control groups', () => {
  test('limits memory per process, and in total by polling', async () => {
    const engine = await engineWith({ limits: 'rlimit' });
    const resources = { memory: 64 * MIB };
    const one = await engine.finish(shell('head -c 300000000 /dev/zero | tail -n 1 >/dev/null', { resources }));
    expect(ended(one).code).not.toBe(0);
    const many = 'for n in 1 2 3; do (head -c 40000000 /dev/zero; sleep 1000) | tail -n 1 & done; wait';
    expect(await engine.finish(shell(many, { resources, limits: { graceMs: 100 } }))).toMatchObject({
      phase: 'ended',
      end: 'out-of-memory',
    });
  });

  test('limits the processes of an isolated task', async () => {
    const engine = await engineWith({ limits: 'rlimit', maxProcesses: 40 });
    // The shell must not need a new process once the limit is reached.
    const spec = shell(BOMB, {
      isolation: 'required',
      limits: { wallMs: 1500, graceMs: 0 },
    });
    expect(await engine.finish(spec)).toMatchObject({ phase: 'ended', end: 'wall-time' });
    expect(await engine.outputOf(shell('echo fine'))).toBe('fine\n');
  });

  test.skipIf(availableParallelism() < 2)('pins an isolated task to its number of cores', async () => {
    const engine = await engineWith({ limits: 'rlimit' });
    const spec = shell('taskset -p ffff $$ >/dev/null 2>&1; grep Cpus_allowed_list /proc/self/status; nice', {
      resources: { cpu: 1 },
      isolation: 'required',
    });
    expect(await engine.outputOf(spec)).toMatch(/^Cpus_allowed_list:\s+\d+\n10\n$/);
  });

  test('ends a task with too many processes when the kernel does not count them', async () => {
    const engine = await engineWith({
      limits: 'rlimit',
      maxProcesses: 40,
      isolation: openIsolation({ boundaries: ['landlock'], limits: 'rlimit' }),
    });
    const spec = shell(BOMB, { isolation: 'required', limits: { wallMs: 60_000, graceMs: 0 } });
    expect(await engine.finish(spec)).toMatchObject({ phase: 'ended', end: 'too-many-processes' });
    expect(await engine.outputOf(shell('echo fine'))).toBe('fine\n');
  });
});

test('bounds a flood of output without a reader, and keeps its end', { timeout: 300_000 }, async () => {
  const engine = await engineWith();
  const root = join(engine.folder, 'compute');
  const limits = { logBytes: 4 * MIB };
  const spec = shell('head -c 400000000 /dev/zero | tr "\\0" x; echo; echo last; exec sleep 1000', { limits });
  await engine.compute.submit(spec);
  await untilWritten(engine.compute, spec.attempt, 'xxx');
  await engine.compute.close();
  const logs = join(root, 'tasks', spec.attempt, 'logs');
  const size = async () => {
    const sizes = (await readdir(logs)).map(
      async (name) => (await stat(join(logs, name)).catch(() => ({ size: 0 }))).size,
    );
    return (await Promise.all(sizes)).reduce((sum, one) => sum + one, 0);
  };
  let most = 0;
  await expect
    .poll(
      async () => {
        most = Math.max(most, await size());
        return Math.max(...(await readdir(logs)).map(Number));
      },
      { interval: 20, timeout: 200_000 },
    )
    .toBeGreaterThanOrEqual(Math.floor(400_000_000 / (limits.logBytes / 8)));
  expect(most).toBeLessThanOrEqual(limits.logBytes);
  const compute = await openProcessCompute({ root, clock: systemClock, log: silentLog });
  await untilWritten(compute, spec.attempt, 'last\n');
  await compute.forget(spec.attempt);
  await compute.close();
});

/** A separate disk of 16 MiB. */
async function smallDisk(): Promise<string> {
  const disk = await mkdtemp(join(tmpdir(), 'dais-disk-'));
  after.push(async () => await rm(disk, { recursive: true }));
  const mounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=16m,mode=755', 'dais-test', disk], {
    env: { PATH: SYSTEM_PATH },
  });
  if (mounted.code !== 0) {
    throw new Error(
      `mount: ${mounted.stderr.trim()}\nThis test fills a disk of its own: run it as root, with SYS_ADMIN.`,
    );
  }
  after.push(async () => await run('umount', ['--lazy', disk], { env: { PATH: SYSTEM_PATH } }));
  return disk;
}

test('runs accepted tasks on a full disk', async () => {
  const disk = await smallDisk();
  const fill = (): void => {
    for (const size of [MIB, 4096]) {
      try {
        for (let n = 0; ; n++) writeFileSync(join(disk, `fill-${size}-${n}`), Buffer.alloc(size));
      } catch (error) {
        if ((error as { code?: unknown }).code !== 'ENOSPC') throw error;
      }
    }
  };
  const reached: ProcessComputeOptions['reached'] = (point) => point === 'staged' && fill();
  const engine = await engineWith({ reached }, disk);
  const spec = shell('echo output; exit 3');
  expect(await engine.finish(spec)).toMatchObject({ phase: 'ended', end: 'exit', code: 3 });
  expect(await textOf(engine.compute, spec.attempt)).toBe('output\n');
});

test('on a full disk, rejects new tasks, loses no result, and continues when space is freed', async () => {
  const disk = await smallDisk();
  const engine = await engineWith({}, disk);
  const { compute } = engine;
  await expectRefusal(
    compute.submit(shell('true', { inputs: [input('big', Buffer.alloc(20 * MIB))] })),
    'storage_full',
    /is full/,
  );
  expect(await readdir(join(engine.folder, 'compute', 'tasks'))).toEqual([]);
  expect(await readdir(join(engine.folder, 'compute', 'staging'))).toEqual([]);

  const filler = shell(
    'echo up; while [ ! -e go ]; do sleep 0.02; done; cat /dev/zero >"$TMPDIR/fill"; while [ ! -e end ]; do sleep 0.02; done; exit 9',
  );
  await compute.submit(filler);
  await untilWritten(compute, filler.attempt, 'up');
  const work = join(engine.folder, 'compute', 'tasks', filler.attempt, 'box', 'work');
  await mkdir(join(work, 'end.later'));
  await writeFile(join(work, 'go'), '');
  await expectFull(compute);
  await run('mv', [join(work, 'end.later'), join(work, 'end')], { env: { PATH: SYSTEM_PATH } });
  expect(await compute.wait(filler.attempt, never)).toMatchObject({ phase: 'ended', end: 'exit', code: 9 });
  await compute.forget(filler.attempt);
  expect(await engine.finish(shell('exit 4'))).toMatchObject({ phase: 'ended', code: 4 });
});

async function expectFull(compute: TestEngine['compute']): Promise<void> {
  const refused = async (): Promise<unknown> =>
    await compute.submit(shell('true', { inputs: [input('some', Buffer.alloc(MIB))] })).then(
      () => 'taken',
      (error: { code?: unknown }) => error.code,
    );
  await expect.poll(refused, { interval: 20 }).toBe('storage_full');
}

describe('devices', () => {
  /** A substitute for the driver program of a machine with two GPUs. */
  async function machineWithGpus(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), 'dais-gpus-'));
    after.push(async () => await rm(folder, { recursive: true }));
    await writeFile(join(folder, 'nvidia-smi'), '#!/bin/sh\nprintf "0\\n1\\n"\n', { mode: 0o755 });
    return `${folder}:${SYSTEM_PATH}`;
  }
  const gpus = (count: number) => ({ resources: { 'nvidia.com/gpu': count } });
  const untilGone = 'echo "[$CUDA_VISIBLE_DEVICES]"; while :; do sleep 0.05; done';

  test('assigns each device to one task at a time, also after a restart', async () => {
    const path = await machineWithGpus();
    const engine = await engineWith({ path });
    const { compute } = engine;
    expect((await compute.abilities()).resources).toMatchObject({ 'nvidia.com/gpu': 2 });
    await expectRefusal(
      compute.submit(shell('true', gpus(3))),
      'invalid_request',
      /requests 3, and this machine has 2/,
    );
    await expectRefusal(compute.submit(shell('true', gpus(0.5))), 'invalid_request', /whole number/);
    const [first, second, third] = [
      shell(untilGone, gpus(1)),
      shell(untilGone, gpus(1)),
      shell('echo "[$CUDA_VISIBLE_DEVICES]"', gpus(2)),
    ];
    await compute.submit(first);
    await untilWritten(compute, first.attempt, '[0]');
    expect(await compute.status(first.attempt)).toMatchObject({ phase: 'running', devices: ['nvidia.com/gpu:0'] });
    await compute.close();
    const again = await openProcessCompute({
      root: join(engine.folder, 'compute'),
      clock: systemClock,
      log: silentLog,
      path,
    });
    after.push(async () => await again.close());
    await again.submit(second);
    await untilWritten(again, second.attempt, '[1]');
    await again.submit(third);
    expect(await again.status(third.attempt)).toEqual({ phase: 'preparing' });
    await again.cancel(first.attempt);
    await again.wait(first.attempt, never);
    expect(await again.status(third.attempt)).toEqual({ phase: 'preparing' });
    await again.cancel(second.attempt);
    await again.wait(third.attempt, never);
    expect(await textOf(again, third.attempt)).toBe('[0,1]\n');
  });

  test('hides devices from tasks that requested none', async () => {
    const engine = await engineWith({ path: await machineWithGpus() });
    expect(await engine.outputOf(shell('echo "[${CUDA_VISIBLE_DEVICES-unset}]"'))).toBe('[]\n');
  });
});
