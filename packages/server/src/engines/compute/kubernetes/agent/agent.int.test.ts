/** The real agent and the real shim, as processes: one task from its inputs to its end. */
import { readFileSync, existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { startPod, type Pod, type PodOptions } from './pod.testing.ts';

const pods: Pod[] = [];
afterEach(async () => {
  for (const pod of pods.splice(0)) await pod.end();
});

async function open(script: string, options: PodOptions = {}): Promise<Pod> {
  const pod = await startPod(['sh', '-c', script], options);
  pods.push(pod);
  return pod;
}

/** Waits for a condition that changes with calls of the agent. */
async function until(condition: () => boolean): Promise<void> {
  await expect.poll(condition, { interval: 10 }).toBe(true);
}

const written = async (pod: Pod, text: string) => await until(() => pod.dais.log.includes(text));
const inFolder = (pod: Pod, name: string) => readFileSync(join(pod.container.workingFolder, name), 'utf8');

test('runs a command with inputs, variables and secrets, and delivers log, outputs and end', async () => {
  const script = `
    cat in/a.txt; ./in/run.sh; echo "$PLAIN $SECRET" | tee secret; pwd; echo "$HOME $TMPDIR $PATH"
    mkdir out; echo one >out/b; ln out/b out/c; printf '%100000s' x >out/a; exit 3`;
  const pod = await open(script, {
    variables: { PLAIN: 'plain é' },
    secretVariables: { SECRET: 'the-secret-value' },
    path: ['/opt/first'],
    inputs: [
      { path: 'in/a.txt', bytes: Buffer.from('input\n') },
      { path: 'in/run.sh', bytes: Buffer.from('#!/bin/sh\necho ran\n'), executable: true },
      { path: 'in/empty', bytes: Buffer.alloc(0) },
    ],
    outputs: [
      { name: 'folder', path: 'out' },
      { name: 'secret', path: 'secret' },
      { name: 'missing', path: 'nothing' },
      { name: 'program', path: 'in/run.sh' },
    ],
  });
  expect(await pod.finish()).toEqual({ shim: 3, agent: 0 });
  const { dais, folder } = pod;
  const { workingFolder } = pod.container;
  const lines = Buffer.from(dais.log, 'latin1').toString().split('\n');
  expect(lines.slice(0, 4)).toEqual(['input', 'ran', 'plain é ***', workingFolder]);
  expect(lines[4]).toMatch(new RegExp(`^${folder}/tmp ${folder}/tmp /opt/first:/usr/local/sbin`));
  expect(dais.end).toMatchObject({ end: 'exit', code: 3, memoryKills: 0, log: { position: dais.log.length } });
  expect(dais.end).not.toHaveProperty('signal');
  const { startedAt = 0, endedAt, usage, outputs } = dais.end!;
  expect(endedAt).toBeGreaterThanOrEqual(startedAt);
  expect(usage!.wallMs).toBeGreaterThanOrEqual(0);
  expect(outputs.map(({ output, path, executable }) => [output, path, executable])).toEqual([
    ['folder', 'a', false],
    ['folder', 'b', false],
    ['folder', 'c', false],
    ['secret', '', false],
    ['program', '', true],
  ]);
  // Two names of one file are sent once.
  expect(outputs[1]).toMatchObject({ key: outputs[2]!.key, identity: outputs[2]!.identity });
  const sizes = [...dais.outputs.entries()].map(([key, { bytes, times }]) => [key, bytes.length, times]);
  expect(sizes.toSorted(([one = 0], [other = 0]) => one - other)).toEqual([
    [0, 100_000, 1],
    [1, 4, 1],
    [2, 26, 1],
    [3, 19, 1],
  ]);
  expect(dais.begins).toEqual([
    {
      attempt: 'a-1',
      round: 1,
      pod: { name: 'pod', uid: 'uid', ip: '10.0.0.1', node: 'node' },
      at: expect.any(Number) as number,
      resumes: false,
    },
  ]);
  expect(dais.beats.map(({ phase }) => phase)).toEqual(expect.arrayContaining(['staging', 'running', 'collecting']));
  expect(dais.beats.findLast(({ phase }) => phase === 'running')).toMatchObject({ startedAt });
});

describe('the end of a command', () => {
  test('is a signal', async () => {
    const pod = await open('echo up; kill -SEGV $$');
    expect(await pod.finish()).toEqual({ shim: 139, agent: 0 });
    expect(pod.dais.end).toMatchObject({ end: 'exit', signal: 'SIGSEGV', outputs: [] });
    expect(pod.dais.end).not.toHaveProperty('code');
    expect(pod.dais.log).toBe('up\n');
  });

  test('is a refusal when the program does not exist', async () => {
    const pod = await startPod(['no-such-program']);
    pods.push(pod);
    expect(await pod.finish()).toEqual({ shim: 127, agent: 0 });
    expect(pod.dais.end).toMatchObject({
      end: 'refused',
      reason: expect.stringContaining('no-such-program') as string,
    });
  });

  test('is that of a canceled command, which can handle the signal', async () => {
    const pod = await open('trap "echo bye; echo x >out; exit 5" TERM; echo up; while :; do sleep 0.05; done', {
      outputs: [{ name: 'out', path: 'out' }],
    });
    await written(pod, 'up');
    pod.dais.command('cancel');
    expect(await pod.finish()).toEqual({ shim: 5, agent: 0 });
    expect(pod.dais.end).toMatchObject({ end: 'canceled', code: 5, outputs: [{ output: 'out' }] });
    expect(pod.dais.end).not.toHaveProperty('stoppedAt');
    expect(pod.dais.log).toMatch(/^up\n(Terminated\n)?bye\n$/);
  });

  test('is SIGKILL after the grace period', async () => {
    const pod = await open('trap "" TERM; echo up; while :; do sleep 0.05; done', { limits: { graceMs: 200 } });
    await written(pod, 'up');
    pod.dais.command('cancel');
    expect(await pod.finish()).toEqual({ shim: 137, agent: 0 });
    expect(pod.dais.end).toMatchObject({ end: 'canceled', signal: 'SIGKILL' });
  });

  test('is an interruption when the container was stopped from outside', async () => {
    const pod = await open('trap "exit 5" TERM; echo up; while :; do sleep 0.05; done');
    await written(pod, 'up');
    process.kill(pod.container.shimPid(), 'SIGTERM');
    await pod.finish();
    expect(pod.dais.end).toMatchObject({ end: 'exit', code: 5, stoppedAt: expect.any(Number) as number });
  });

  test('is unknown when the container was killed, and outputs and log are delivered', async () => {
    const pod = await open('echo x >out; echo up; exec sleep 1000', { outputs: [{ name: 'out', path: 'out' }] });
    await written(pod, 'up');
    process.kill(pod.container.shimPid(), 'SIGKILL');
    expect(await pod.finish()).toMatchObject({ agent: 0 });
    expect(pod.dais.end).toMatchObject({ end: 'lost', shimGone: true, outputs: [{ output: 'out' }] });
    expect(pod.dais.end!.startedAt).toBeGreaterThan(0);
  });
});

describe('limits', () => {
  test('of the time', async () => {
    const pod = await open('echo up; exec sleep 1000', { limits: { wallMs: 300, graceMs: 60_000 } });
    await pod.finish();
    expect(pod.dais.end).toMatchObject({ end: 'wall-time', signal: 'SIGTERM' });
  });

  test.each([
    ['bytes', 'head -c 8000000 /dev/zero >"$TMPDIR/big"', { diskBytes: 4_000_000 }, /used 7\.\d+ MiB of disk/],
    ['files', 'i=0; while [ $i -lt 60 ]; do : >f$i; i=$((i+1)); done', { diskFiles: 50 }, /created \d+ files/],
  ] as const)('of the disk, in %s', async (_name, script, limits, words) => {
    const pod = await open(`${script}; exec sleep 1000`, { limits: { ...limits, graceMs: 100 } });
    await pod.finish();
    expect(pod.dais.end).toMatchObject({ end: 'disk-full', reason: expect.stringMatching(words) as string });
  });

  test('of the disk, by the inputs', async () => {
    const inputs = [{ path: 'a', bytes: Buffer.alloc(5000) }];
    const pod = await open('echo never', { inputs, limits: { diskBytes: 4096 } });
    expect(await pod.finish()).toEqual({ shim: 0, agent: 0 });
    expect(pod.dais.end).toMatchObject({
      end: 'refused',
      reason: expect.stringMatching(/disk limit of 4 KiB/) as string,
    });
  });

  test('of the log: the newest part is kept', async () => {
    const pod = await open('head -c 20000000 /dev/zero | tr "\\\\0" x; echo; echo last', {
      limits: { logBytes: 65_536 },
    });
    await pod.finish();
    const { dais } = pod;
    expect(dais.end!.log.position).toBe(20_000_006);
    expect(dais.gaps.length).toBeGreaterThan(0);
    expect(dais.log).toMatch(/x\nlast\n$/);
    expect(dais.log.length).toBeGreaterThan(32_768);
  });
});

describe('before the start', () => {
  test('waits as long as Dais orders, and fetches inputs while the image is pulled', async () => {
    const pod = await open('cat a', {
      isPulling: true,
      inputs: [{ path: 'a', bytes: Buffer.from('staged') }],
      prepare: (dais) => dais.answers.push({ answer: 'wait', afterMs: 10 }, { answer: 'wait', afterMs: 10 }),
    });
    await expect.poll(() => existsSync(join(pod.folder, 'dais', 'shim')), { interval: 10 }).toBe(true);
    await expect.poll(() => inFolder(pod, 'a'), { interval: 10 }).toBe('staged');
    expect(pod.dais.begins).toHaveLength(3);
    await pod.container.start();
    await pod.finish();
    expect(pod.dais.log).toBe('staged');
  });

  test('refuses other bytes than those that were submitted', async () => {
    const pod = await open('echo never', {
      inputs: [{ path: 'a', bytes: Buffer.from('right') }],
      prepare: (dais) => void dais.inputs[0]!.write('wrong'),
    });
    expect(await pod.finish()).toEqual({ shim: 0, agent: 0 });
    expect(pod.dais.end).toMatchObject({ end: 'lost', reason: expect.stringMatching(/Input a differs/) as string });
    expect(pod.dais.end).not.toHaveProperty('startedAt');
  });

  test('a cancellation ends it without a start', async () => {
    const pod = await open('echo never', { isPulling: true });
    await until(() => pod.dais.beats.length > 0);
    pod.dais.command('cancel');
    await until(() => pod.dais.end !== undefined);
    expect(pod.dais.end).toMatchObject({ end: 'canceled', signal: 'SIGTERM' });
    await pod.container.start();
    expect(await pod.finish()).toEqual({ shim: 0, agent: 0 });
    expect(pod.dais.log).toBe('');
  });

  test('a stop of the pod is a loss', async () => {
    const pod = await open('echo never', { isPulling: true });
    await until(() => pod.dais.beats.length > 0);
    expect(await pod.signalAgent('SIGTERM')).toBe(0);
    expect(pod.dais.end).toMatchObject({ end: 'lost', stoppedAt: expect.any(Number) as number });
  });

  test('another pod runs the command: this one ends without it', async () => {
    const pod = await open('echo never', {
      prepare: (dais) => dais.answers.push({ answer: 'gone', reason: 'Another pod runs the command.' }),
    });
    expect(await pod.finish()).toEqual({ shim: 0, agent: 0 });
    expect([pod.dais.end, pod.dais.log, pod.dais.beats]).toEqual([undefined, '', []]);
  });
});

test('a command that nobody wants any more is killed', async () => {
  const pod = await open('trap "" TERM; echo up; while :; do sleep 0.05; done');
  await written(pod, 'up');
  pod.dais.isGone = true;
  pod.dais.command(undefined);
  expect(await pod.finish()).toEqual({ shim: 137, agent: 0 });
  expect(pod.dais.end).toBeUndefined();
});

test('a session that is not valid any more is renewed', async () => {
  const pod = await open('echo up; while [ ! -e go ]; do sleep 0.05; done; echo down', {
    outputs: [{ name: 'out', path: 'go' }],
  });
  await written(pod, 'up');
  pod.dais.session = 'another';
  await writeFile(join(pod.container.workingFolder, 'go'), '');
  await pod.finish();
  expect(pod.dais.begins.map(({ resumes }) => resumes)).toEqual([false, true]);
  expect(pod.dais.end).toMatchObject({ code: 0 });
  expect(pod.dais.log).toBe('up\ndown\n');
});
