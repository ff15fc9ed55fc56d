/** Misbehaving steps on a complete Dais: it reports their end, leaves nothing of them, and runs others meanwhile. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SubmitExecutionInput } from '@dais/api/executions';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run as runProgram } from '#lib/process.ts';
import { controlOf, isAlive, killProcess, startDaisProcess, treeOf, type DaisProcess } from '#testing/dais-process.ts';
import { executionClient } from '#testing/execution-client.ts';

const PROGRAMS = { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } };
const MIB = 2 ** 20;
const PATIENCE = { timeout: 120_000, interval: 50 };

let base: string;
let tasks: string;
let dais: DaisProcess;
let url: string;
const client = executionClient(() => url);

async function launch(): Promise<void> {
  dais = startDaisProcess({ data: join(base, 'data'), 'keys.folder': join(base, 'keys') });
  url = await dais.ready;
}

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'dais-errors-'));
  // Steps have a disk of their own, which one of them fills.
  tasks = join(base, 'data', 'compute');
  await mkdir(tasks, { recursive: true });
  const mounted = await runProgram(
    'mount',
    ['-t', 'tmpfs', '-o', `size=${96 * MIB},mode=700`, 'dais-test', tasks],
    PROGRAMS,
  );
  if (mounted.code !== 0) {
    throw new Error(
      `mount: ${mounted.stderr.trim()}\nThis test fills a disk of its own: run it as root, with SYS_ADMIN.`,
    );
  }
  await launch();
});
afterAll(async () => {
  dais?.process.kill('SIGTERM');
  await dais?.ended;
  await runProgram('umount', ['--lazy', tasks], PROGRAMS);
  await rm(base, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

type Step = SubmitExecutionInput['steps'][string];
const sh = (script: string, more: Partial<Step> = {}): Step => ({
  command: ['sh', '-c', script],
  isolation: 'none',
  ...more,
});
const textOf = async (file: string) => await readFile(join(base, file), 'utf8').catch(() => '');
const pidsIn = async (file: string) => (await textOf(file)).split('\n').filter(Boolean).map(Number);

test('background processes of a step end with it', async () => {
  const note = `>> ${base}/forked`;
  const script = `setsid sleep 1000 & echo $! ${note}; (trap '' HUP TERM; sleep 1000 & echo $! ${note}); echo done`;
  const { id } = await client.submit({ main: sh(script) });
  expect((await client.ended(id)).state).toBe('succeeded');
  const pids = await pidsIn('forked');
  expect(pids).toHaveLength(2);
  await expect.poll(() => pids.filter(isAlive), PATIENCE).toEqual([]);
});

test('a step that ignores signals ends when its run is canceled', async () => {
  const script = `trap '' TERM; echo $$ >> ${base}/stubborn; while :; do sleep 0.05; done`;
  const { id } = await client.submit({ main: sh(script), after: sh('true', { needs: ['main'] }) });
  await expect.poll(async () => await pidsIn('stubborn'), PATIENCE).toHaveLength(1);
  await client.cancel(id);
  expect(await client.ended(id)).toMatchObject({ state: 'canceled', nodes: { canceled: 2 } });
  expect((await client.attempts(id, 'main')).map(({ ending, signal }) => [ending, signal])).toEqual([
    ['canceled', 'SIGKILL'],
  ]);
  await expect.poll(async () => (await pidsIn('stubborn')).filter(isAlive), PATIENCE).toEqual([]);
});

test('a step that exceeds its memory limit fails alone', async () => {
  const resources = { memory: 64 * MIB };
  const { id } = await client.submit({
    greedy: sh(`head -c ${300 * MIB} /dev/zero | tail -n 1 >/dev/null`, { resources }),
    modest: sh('echo fine', { resources }),
  });
  expect(await client.ended(id)).toMatchObject({ state: 'failed', nodes: { failed: 1, succeeded: 1 } });
  const [attempt] = await client.attempts(id, 'greedy');
  // Without control groups, the allocation fails and the program exits with an error.
  expect(['out-of-memory', 'exit']).toContain(attempt?.ending);
  expect((await client.nodes(id)).get('greedy')?.error).toMatch(/memory|exited with code/);
});

test('the newest part of a flood of output is kept, within the limit', async () => {
  const { id } = await client.submit({ main: sh(`head -c ${80 * MIB} /dev/zero | tr '\\0' x; echo; echo last`) });
  expect((await client.ended(id)).state).toBe('succeeded');
  const [attempt] = await client.attempts(id, 'main');
  const log = await client.log(id, attempt?.id ?? '');
  expect(log.length).toBeLessThanOrEqual(64 * MIB);
  expect(log.subarray(-6).toString()).toBe('\nlast\n');
});

test('a step that fills the disk fails alone; others wait until there is space', async () => {
  const go = join(base, 'go');
  const script = `cat /dev/zero >"$TMPDIR/fill"; echo full >> ${base}/filled; while ! test -e ${go}; do sleep 0.05; done; exit 9`;
  const filler = await client.submit({ main: sh(script) });
  await expect.poll(async () => await textOf('filled'), PATIENCE).toBe('full\n');
  const late = await client.submit({ main: sh('echo late') });
  const waits = async () => (await client.attempts(late.id, 'main')).map(({ state }) => state);
  await expect.poll(waits, PATIENCE).toEqual(['claimed']);
  expect((await fetch(`${url}/livez`)).status).toBe(200);
  await writeFile(go, '');
  expect((await client.ended(filler.id)).state).toBe('failed');
  expect((await client.nodes(filler.id)).get('main')?.error).toBe('exited with code 9');
  expect((await client.ended(late.id)).state).toBe('succeeded');
  expect((await client.attempts(late.id, 'main')).map(({ ending }) => ending)).toEqual(['exit']);
});

test('attempts that ran during a reboot are lost, and retried without counting as failures', async () => {
  const script = `echo $$ >> ${base}/booted; test $(wc -l < ${base}/booted) -gt 1 || exec sleep 1000`;
  const { id } = await client.submit({ main: sh(script), after: sh('true', { needs: ['main'] }) });
  const started = async () => (await client.attempts(id, 'main')).map(({ state }) => state);
  await expect.poll(started, PATIENCE).toEqual(['started']);
  await expect.poll(async () => await pidsIn('booted'), PATIENCE).toHaveLength(1);
  const [attempt] = await client.attempts(id, 'main');
  const supervisor = dais.process.pid ?? 0;
  const tree = treeOf(supervisor);
  const control = controlOf(supervisor) ?? 0;
  // Both in one call, so that the end of the step is not observed.
  for (const pid of [control, supervisor]) killProcess(pid);
  await dais.ended;
  await expect.poll(() => isAlive(control), PATIENCE).toBe(false);
  // Simulates a reboot: earlier processes have ended, and the boot id is new.
  const file = join(tasks, 'tasks', attempt?.id ?? '', 'pid');
  const [shim = '', startTime] = (await readFile(file, 'utf8')).split(' ');
  const command = (await pidsIn('booted'))[0] ?? 0;
  for (const pid of [Number(shim), command]) killProcess(pid);
  await expect.poll(() => [...tree, command].filter(isAlive), PATIENCE).toEqual([]);
  await writeFile(file, `${shim} ${startTime} another-start\n`);
  await launch();
  expect((await client.ended(id)).state).toBe('succeeded');
  const attempts = await client.attempts(id, 'main');
  expect(attempts.map(({ ending }) => ending)).toEqual(['lost', 'exit']);
  expect(attempts[0]?.error).toMatch(/restarted/);
});
