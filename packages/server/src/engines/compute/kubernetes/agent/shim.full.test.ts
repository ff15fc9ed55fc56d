/** Long tests of the shim: agents that restart at random moments, other roots, memory limits, and the bytes of the program. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, inject, test } from 'vitest';
import { findControlGroups } from '#engines/isolation/limits/control-groups.ts';
import { run } from '#lib/process.ts';
import { goProgram } from '../../../../../../../tools/go.mjs';
import { buildShim, type ShimMachine } from '../../../../../../../tools/shim.mjs';
import { POD_USER, PROBE, SECRET, startContainer, type Container, type ContainerOptions } from './shim.testing.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    readonly propertySeed: number;
  }
}

const SOURCES = fileURLToPath(new URL('../../../../../../../native/shim', import.meta.url));

const containers: Container[] = [];
afterEach(async () => {
  for (const container of containers.splice(0)) await container.end();
});

async function open(options: ContainerOptions = {}): Promise<Container> {
  const container = await startContainer(options);
  containers.push(container);
  return container;
}

/** Returns the CPU time of a process, in hundredths of a second. */
async function cpuTicks(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}

/** Returns pseudo-random numbers below 1. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

test('loses and repeats no byte when the agent restarts 200 times', async () => {
  const random = randomNumbers(inject('propertySeed'));
  const container = await open({ acknowledges: false });
  const lines = 2_000_000;
  container.order(['perl', '-e', `$| = 0; print "$_\\n" for 1 .. ${lines}; exit 9`]);
  const received = createHash('sha256');
  let hashed = 0;
  const hash = () => {
    const output = Buffer.from(container.output, 'latin1');
    received.update(output);
    hashed += output.length;
    container.discardOutput();
  };
  for (let restart = 0; restart < 200; restart++) {
    // Since the restart, the whole window can have arrived.
    const before = hashed;
    await container.until(() => container.outputBytes > before || container.events.includes('exited'));
    // An agent that is killed has stored less than it received.
    hash();
    const acknowledged = hashed;
    if (random() < 0.5) container.connection!.acknowledge(Math.floor(acknowledged * random()));
    container.disconnect();
    container.outputBytes = acknowledged;
    await container.listen({ secret: SECRET, acknowledged });
    await container.accept();
    if (random() < 0.5) container.connection!.acknowledge(acknowledged);
  }
  while (!container.events.includes('exited')) {
    const before = container.outputBytes;
    container.connection!.acknowledge(before);
    await container.until(() => container.outputBytes > before || container.events.includes('exited'));
  }
  hash();
  expect((await container.outcome()).end).toMatchObject({ code: 9 });
  const expected = createHash('sha256');
  for (let line = 1; line <= lines; line++) expected.update(`${line}\n`);
  expect(received.digest('hex')).toBe(expected.digest('hex'));
  expect(container.events.filter((event) => event.startsWith('gap'))).toEqual([]);
});

test('waits for an agent that is away for a minute, nearly without CPU, and loses no output', async () => {
  const container = await open();
  container.order(['perl', '-e', '$| = 1; for (1 .. 700) { print "$_\\n"; select undef, undef, undef, 0.1 } exit 5']);
  await container.untilWritten('5\n');
  const acknowledged = container.outputBytes;
  container.disconnect();
  const before = await cpuTicks(container.shimPid());
  await delay(60_000);
  // A second of a minute.
  expect((await cpuTicks(container.shimPid())) - before).toBeLessThan(100);
  await container.listen({ secret: SECRET, acknowledged });
  await container.accept();
  const lines = Array.from({ length: 700 }, (_, index) => `${index + 1}\n`);
  expect(await container.outcome()).toMatchObject({ end: { code: 5 }, output: lines.join('') });
  expect(container.events).toEqual(['started', 'started', 'exited']);
});

test('needs 16 MiB of memory at most for 1 GB of output at full speed and a slow agent', async () => {
  const container = await open({ root: 'scratch', user: POD_USER, acknowledges: false });
  container.order([PROBE, 'zeros', '1000000000']);
  for (let stored = 0; !container.events.includes('exited'); stored = container.outputBytes) {
    await container.until(() => container.outputBytes > stored || container.events.includes('exited'));
    await delay(1);
    container.discardOutput();
    container.connection!.acknowledge(container.outputBytes);
  }
  expect((await container.outcome()).end).toMatchObject({ code: 0, outputBytes: 1_000_000_000 });
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${container.shimPid()}/status`, 'utf8'))?.[1];
  expect(Number(peak)).toBeLessThan(16 * 1024);
});

test('reaps 10,000 processes that lost their parents while the command runs', async () => {
  const container = await open({ user: POD_USER });
  const orphan = 'my $pid = fork; if (!$pid) { fork; exit } waitpid $pid, 0';
  container.order([
    'perl',
    '-e',
    `$| = 1; for (1 .. 10_000) { ${orphan} } print "done\\n"; sleep 1 until -e "go"; exit 2`,
  ]);
  await container.untilWritten('done');
  await expect.poll(() => container.processes(), { interval: 20 }).toHaveLength(1);
  await writeFile(join(container.workingFolder, 'go'), '');
  expect(await container.outcome()).toMatchObject({ end: { code: 2, hasSurvivors: false }, output: 'done\n' });
});

describe('a read-only root with a read-only socket', () => {
  test('runs a command, and lets a restarted agent continue', async () => {
    const container = await open({ root: 'read-only' });
    const { failure } = await container.run(['no-such-program']);
    expect(failure).toMatchObject({ code: 'ENOENT' });
    container.disconnect();
    await container.listen({ secret: SECRET, acknowledged: 0 });
    await container.accept();
    expect((await container.outcome()).failure).toMatchObject({ code: 'ENOENT' });
    expect(await container.bye()).toBe(127);
  });

  test.each([
    [['exit', '3'], { code: 3 }],
    [['signal', '9'], { signal: 'SIGKILL' }],
    [['orphans', '50'], { code: 0 }],
    [['attack'], { code: 0 }],
  ])('gives the same result for %j', async (words, end) => {
    const container = await open({ root: 'read-only' });
    expect((await container.run([PROBE, ...words])).end).toMatchObject(end);
  });
});

test('reports kills for memory, and the usage of the control group', async (context) => {
  const groups = await findControlGroups(`dais-shim-${process.pid}`);
  if (groups === undefined) {
    context.skip('control groups cannot be created on this machine');
    return;
  }
  const limits = { memory: 48 * 2 ** 20, cpu: 2 };
  const group = groups.of('container');
  group.make(limits, 100);
  try {
    const container = await open({ controlGroups: group.folders });
    // A child is killed; the command itself reports that with an exit code.
    const { end } = await container.run(['sh', '-c', 'perl -e \'$x = "x" x 200_000_000; print length $x\'; exit 5']);
    expect(end).toMatchObject({ code: 5, killed: false });
    expect(end!.controlGroup!.memoryKills).toBeGreaterThan(0);
    expect(end!.controlGroup!.peakMemoryBytes).toBeGreaterThan(40 * 2 ** 20);
    expect(end!.controlGroup!.peakMemoryBytes).toBeLessThanOrEqual(limits.memory);
    expect(end!.controlGroup!.cpuMs).toBeGreaterThan(0);
    await container.end();
  } finally {
    await group.remove();
    await groups.sweep(() => false);
  }
});

test('ends a command that stops and signals all its processes while it creates new ones', async () => {
  const container = await open({ user: POD_USER + 2, maxProcesses: 200 });
  const storm =
    'while (1) { my $pid = fork; if (defined $pid && !$pid) { kill $_ % 31 + 1, -1, 1 for 1 .. 300; exit } select undef, undef, undef, 0.001 }';
  container.order(['perl', '-e', `$SIG{$_} = 'IGNORE' for keys %SIG; ${storm}`]);
  await container.until(() => container.started !== undefined);
  await expect.poll(() => container.events.includes('exited') || container.processes().length > 5).toBe(true);
  container.connection!.signal('SIGTERM', { killAfterMs: 300 });
  expect((await container.outcome()).end).toMatchObject({ hasSurvivors: false });
  expect(container.processes()).toEqual([]);
});

test.each(['SIGHUP', 'SIGINT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH', 'SIGPWR'] as const)(
  'treats %s from outside as the stop of the container, and ignores it from the command',
  async (signal) => {
    const container = await open();
    const number = constants.signals[signal];
    container.order(['sh', '-c', `kill -${number} 1; trap "exit 5" TERM; echo up; while :; do sleep 0.05; done`]);
    await container.untilWritten('up');
    // The kernel drops a signal whose number is still pending.
    const pending = async () => await readFile(`/proc/${container.shimPid()}/status`, 'utf8');
    await expect.poll(pending, { interval: 5 }).toMatch(/^ShdPnd:\t0+$/m);
    process.kill(container.shimPid(), signal);
    expect((await container.outcome()).end).toMatchObject({ code: 5 });
    expect(container.events).toEqual(['started', `terminating ${signal}`, 'exited']);
  },
);

test('a command that limits the CPU of its shim loses its result', async () => {
  const container = await open({ user: POD_USER });
  // The kernel lets processes of one user limit each other; the shim needs some CPU for the output.
  container.order(['sh', '-c', 'prlimit --pid 1 --cpu=0:0 || exit 3; while :; do echo x; done']);
  expect((await container.outcome()).gone).toBe('the shim ended');
});

describe('the program', () => {
  const machines: readonly ShimMachine[] = ['x64', 'arm64'];

  test.each(machines)('has the same bytes from another build for %s, and needs no library', async (machine) => {
    const folder = await mkdtemp(join(tmpdir(), 'dais-shim-build-'));
    try {
      const files = [join(folder, 'one'), join(folder, 'two')];
      for (const file of files) await buildShim('.', machine, file);
      const [one, two] = await Promise.all(files.map(async (file) => await readFile(file)));
      expect(one!.equals(two!)).toBe(true);
      expect(one!.length).toBeLessThan(4_000_000);
      expect(one!.includes('/lib64/ld-linux') || one!.includes('/lib/ld-')).toBe(false);
      expect(one!.includes(dirname(SOURCES))).toBe(false);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  const env = { ...process.env, CGO_ENABLED: '0', GOFLAGS: '' };
  const options = { cwd: SOURCES, env, timeoutMs: 600_000 };

  test.each(['amd64', 'arm64'])('has no warnings of Go for %s', async (architecture) => {
    const vet = await run(await goProgram(), ['vet', './...'], { ...options, env: { ...env, GOARCH: architecture } });
    expect(vet).toMatchObject({ code: 0, stderr: '' });
  });

  test('passes its own tests, and is formatted', async () => {
    const go = await goProgram();
    expect(await run(go, ['test', './...'], options)).toMatchObject({ code: 0 });
    const installed = await run(go, ['env', 'GOROOT'], options);
    const format = await run(join(installed.stdout.toString('utf8').trim(), 'bin', 'gofmt'), ['-l', '.'], options);
    expect([format.code, format.stdout.toString('utf8')]).toEqual([0, '']);
  });
});
