/** Without a running Dais, nothing of a task remains once its shim is killed or its folder is removed. */
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startModule } from '#lib/module-program.testing.ts';
import { run, start } from '#lib/process.ts';
import type { CrashWork } from '#engines/compute/process/crash-worker.testing.ts';
import { shimArguments } from '#engines/compute/process/shim/shim.ts';
import { readProcess, signalProcess, TASK_VARIABLE } from '#engines/compute/process/task-processes.ts';

let root: string;
let attempt = '';
let count = 0;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'dais-shim-end-'));
  attempt = `left-${process.pid}-${count++}`;
});
afterEach(async () => {
  for (const pid of await taskPids()) signalProcess(pid, 'SIGKILL');
  await rm(root, { recursive: true, force: true });
});

/** Processes with the variable of the task: bubblewrap, its command, and a shim in sh with its helpers. */
async function taskPids(): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const variables = await readFile(`/proc/${name}/environ`, 'latin1').catch(() => '');
    if (variables.split('\0').some((one) => one.startsWith(`${TASK_VARIABLE}=`) && one.includes(attempt))) {
      found.push(Number(name));
    }
  }
  return found;
}

/** Runs Dais on the folder until it dies at `at`, and returns the remaining shim. */
async function killedDais(script: string, work: Pick<CrashWork, 'at' | 'launcher'>, isolation: 'required' | 'none') {
  const reported: CrashWork = { root: join(root, 'compute'), tasks: [{ attempt, script, isolation }], ...work };
  const dais = await startModule({
    module: new URL('../crash-worker.testing.ts', import.meta.url),
    statement: 'await program.workUntilKilled(JSON.parse(process.argv[2]));',
    argument: reported,
    env: { PATH: process.env['PATH'] },
    stdout: 'ignore',
    stderr: 'inherit',
  });
  const gone = once(dais, 'exit');
  if (work.at === undefined) void untilBegun().then(() => dais.kill('SIGKILL'));
  expect(await gone).toEqual([null, 'SIGKILL']);
  await expect.poll(() => contentOf('pid'), { interval: 20 }).toMatch(/\n$/);
  return Number((await contentOf('pid')).split(' ')[0]);
}

async function untilBegun(): Promise<void> {
  while ((await contentOf('begun')) !== 'begun\n') await new Promise((resolve) => void setTimeout(resolve, 20));
}

const folder = () => join(root, 'compute', 'tasks', attempt);
const contentOf = async (name: string) => await readFile(join(folder(), name), 'utf8').catch(() => '');
/** The continue line never arrives: Dais dies before it writes it. */
const WAITING = { at: 'spawned' } as const;

describe.each([
  ['the launcher', {}],
  ['sh', { launcher: 'none' }],
] as const)('a shim of %s', (_name, launcher) => {
  test('leaves no process when it is killed while bubblewrap waits', async () => {
    const shim = await killedDais('exec sleep 300', { ...WAITING, ...launcher }, 'required');
    // The outer bwrap, its process in the namespaces, and the waiting shell.
    await expect.poll(async () => (await taskPids()).length, { interval: 20 }).toBeGreaterThanOrEqual(3);
    process.kill(shim, 'SIGKILL');
    await expect.poll(taskPids, { timeout: 10_000 }).toEqual([]);
    expect(await contentOf('begun')).not.toBe('begun\n');
  });

  test.each(['required', 'none'] as const)(
    'ends its running task when the folder is removed, isolation %s',
    async (isolation) => {
      const shim = await killedDais('setsid sleep 300 & exec sleep 300', launcher, isolation);
      await rm(folder(), { recursive: true, maxRetries: 20, retryDelay: 20 });
      await expect.poll(taskPids, { timeout: 20_000 }).toEqual([]);
      await expect.poll(() => readProcess(shim), { interval: 20 }).toBeUndefined();
    },
  );

  test('ends a waiting task when the folder is removed', async () => {
    const shim = await killedDais('exec sleep 300', { ...WAITING, ...launcher }, 'required');
    await rm(folder(), { recursive: true, maxRetries: 20, retryDelay: 20 });
    await expect.poll(taskPids, { timeout: 20_000 }).toEqual([]);
    await expect.poll(() => readProcess(shim), { interval: 20 }).toBeUndefined();
  });
});

/** Starts the program of a shim in sh in the folder of the task, as the engine does without a launcher. */
async function startShim(program: readonly string[]) {
  await mkdir(join(folder(), 'logs'), { recursive: true });
  await writeFile(join(root, 'compute', 'seccomp.bpf'), '');
  const options = { folder: folder(), segmentBytes: 1000, segments: 2, controlGroups: [], program };
  return start('sh', shimArguments(options), {
    detached: true,
    env: { PATH: process.env['PATH'], [TASK_VARIABLE]: attempt },
    stdio: 'ignore',
  });
}

describe('a shim of sh whose folder is removed while it starts', () => {
  test('leaves no process when its files are missing', async () => {
    const shim = await startShim(['sleep', '300']);
    await once(shim, 'exit');
    await expect.poll(taskPids).toEqual([]);
  });

  test('does not start the task after its last check for the removal', async () => {
    // The shim waits for a writer of the variables.
    await mkdir(folder(), { recursive: true });
    expect(await run('mkfifo', [join(folder(), 'env')])).toMatchObject({ code: 0 });
    const shim = await startShim(['sleep', '300']);
    const gone = once(shim, 'exit');
    const programs = async () => (await taskPids()).map((pid) => readProcess(pid)?.name);
    await expect.poll(programs).toContain('sleep');
    await rm(join(folder(), 'started'));
    // The watcher ends with its timer.
    await expect.poll(programs).not.toContain('sleep');
    await writeFile(join(folder(), 'env'), '');
    await gone;
    await expect.poll(taskPids).toEqual([]);
  });
});
