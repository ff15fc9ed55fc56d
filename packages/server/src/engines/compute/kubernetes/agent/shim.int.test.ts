/** Commands under the shim: the same ends, signals and errors as under the process engine, in a root without any program too. */
import { readFileSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import {
  POD_USER,
  PROBE,
  SECRET,
  startContainer,
  type Container,
  type ContainerOptions,
  type Outcome,
} from './shim.testing.ts';
import type { CommandOrder } from './shim-messages.ts';

const containers: Container[] = [];
afterEach(async () => {
  for (const container of containers.splice(0)) await container.end();
});

async function open(options: ContainerOptions = {}): Promise<Container> {
  const container = await startContainer(options);
  containers.push(container);
  return container;
}

/** Runs a command in a container of its own. */
async function finish(
  command: readonly [string, ...string[]],
  order: Partial<CommandOrder> = {},
  options: ContainerOptions = {},
): Promise<Outcome & { readonly exitCode: number }> {
  const container = await open(options);
  const outcome = await container.run(command, order);
  expect(container.processes()).toEqual([]);
  return { ...outcome, exitCode: await container.bye() };
}

const shell = async (script: string, order?: Partial<CommandOrder>) => await finish(['sh', '-c', script], order);
const scratch = { root: 'scratch', user: POD_USER } as const;
const probe = async (...words: string[]) => await finish([PROBE, ...words], {}, scratch);

interface ProbeReport {
  readonly arguments: readonly string[];
  readonly variables: readonly string[];
}

describe('the end of a command', () => {
  test('keeps the order of output, and reports the exit code and the usage', async () => {
    const { end, output, exitCode } = await shell('echo out; echo err >&2; echo more; exit 3');
    expect(output).toBe('out\nerr\nmore\n');
    expect(end).toMatchObject({ code: 3, outputBytes: 13, killed: false, hasSurvivors: false });
    expect(end).not.toHaveProperty('signal');
    expect(exitCode).toBe(3);
    const busy = await shell('i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; sleep 0.2');
    expect(busy.end!.cpuMs).toBeGreaterThan(10);
    expect(busy.end!.wallMs).toBeGreaterThanOrEqual(200);
    expect(busy.end!.maxRssBytes).toBeGreaterThan(500_000);
    expect(busy.end!.endedAt.getTime()).toBeGreaterThan(busy.end!.startedAt.getTime());
  });

  test.each([0, 1, 65, 126, 127, 128, 137, 143, 255])('reports exit code %i', async (code) => {
    const { end, exitCode } = await probe('exit', String(code));
    expect(end).toMatchObject({ code });
    expect(end).not.toHaveProperty('signal');
    expect(exitCode).toBe(code);
  });

  const signals = Array.from({ length: 31 }, (_, index) => index + 1);
  /** By default. A terminal could stop the command, but nobody could continue it, so the kernel does not. */
  const ignored: readonly number[] = [17, 18, 20, 21, 22, 23, 28];
  const { SIGSTOP } = constants.signals;
  const name = (number: number) => Object.entries(constants.signals).findLast(([, value]) => value === number)?.[0];

  test.each(signals.filter((signal) => !ignored.includes(signal) && signal !== SIGSTOP))(
    'reports signal %i',
    async (signal) => {
      const { end, exitCode } = await probe('signal', String(signal));
      expect(end).toMatchObject({ signal: name(signal), killed: false });
      expect(end).not.toHaveProperty('code');
      expect(exitCode).toBe(128 + signal);
    },
  );

  test('reports no end for signals that do nothing', async () => {
    const ends = await Promise.all(ignored.map(async (signal) => (await probe('signal', String(signal))).end));
    expect(ends).toEqual(ignored.map(() => expect.objectContaining({ code: 0 }) as unknown));
  });

  test('kills a command that has stopped itself', async () => {
    const container = await open(scratch);
    container.order([PROBE, 'signal', String(SIGSTOP)]);
    const status = async () => await readFile(`/proc/${container.processes()[0]}/status`, 'utf8').catch(() => '');
    await expect.poll(status, { interval: 5 }).toMatch(/State:\tT/);
    container.connection!.signal('SIGKILL');
    expect((await container.outcome()).end).toMatchObject({ signal: 'SIGKILL', killed: true });
  });

  test('ends background processes, orphans and other sessions with the command', async () => {
    const script = '(trap "" HUP TERM; sleep 1000 &); setsid sleep 1000 & echo done';
    expect(await shell(script)).toMatchObject({ end: { code: 0, hasSurvivors: false }, output: 'done\n' });
    expect(await probe('orphans', '20')).toMatchObject({ end: { code: 0 }, output: 'done\n' });
  });

  test('does not wait for output that the command has closed', async () => {
    expect(await shell('exec >&- 2>&-; sleep 0.1; exit 4')).toMatchObject({ end: { code: 4 }, output: '' });
  });

  test('passes all bytes of output', async () => {
    const { output } = await probe('zeros', '3000001');
    expect(output.length).toBe(3_000_001);
    expect(output.replaceAll('\0', '')).toBe('');
    const mixed = await shell(String.raw`printf 'a\000b\377\n'; head -c 70000 /dev/zero | tr '\000' x; echo end`);
    expect(mixed.output).toBe(`a\0b\u{ff}\n${'x'.repeat(70_000)}end\n`);
  });
});

describe('the start of a command', () => {
  test('passes arguments, variables, folder and limits, and nothing else', async () => {
    const hostile = `a b\n"c" 'd' $HOME \`e\` \\ \${f} * ; & é 🐍 \t<>`;
    const { output } = await finish(
      [PROBE, 'report', hostile, '', '-n'],
      { variables: { PLAIN: hostile, EMPTY: '' }, limits: { core: [0, 0] } },
      { ...scratch, variables: { IMAGE: 'x' } },
    );
    const report = JSON.parse(Buffer.from(output, 'latin1').toString('utf8')) as Record<string, unknown>;
    expect(report).toMatchObject({
      arguments: [hostile, '', '-n'],
      variables: [`PLAIN=${hostile}`, 'EMPTY='],
      folder: '/work',
      parent: 1,
      uid: POD_USER,
      input: 0,
      core: 0,
      umask: 0o022,
      blocked: '0000000000000000',
      ignored: '0000000000000000',
      descriptors: ['/dev/null', 'pipe', 'pipe'],
    });
    expect(report['session']).toBe(report['pid']);
    expect(report['group']).toBe(report['pid']);
  });

  test('reports the variables and the folder of the image', async () => {
    const container = await open({ variables: { FROM_IMAGE: 'é =\n', EMPTY: '' } });
    expect(container.connection!.hello).toMatchObject({ pid: 1, uid: 0, gid: 0, workingFolder: '/' });
    expect(container.connection!.hello.variables).toMatchObject({ FROM_IMAGE: 'é =\n', EMPTY: '' });
  });

  test('accepts as many arguments and variables as Linux does', async () => {
    const variables = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`NAME_${index}`, `${index} é`]));
    const long = 'y'.repeat(131_071);
    const { output } = await finish([PROBE, 'report', long], { variables }, scratch);
    const report = JSON.parse(Buffer.from(output, 'latin1').toString('utf8')) as ProbeReport;
    expect(report.arguments).toEqual([long]);
    expect(report.variables).toEqual(Object.entries(variables).map(([key, value]) => `${key}=${value}`));
    expect(await probe('report', `${long}y`)).toMatchObject({
      failure: { code: 'E2BIG', message: expect.stringMatching(/has 131072 bytes.*131071.*use a file/) as string },
      exitCode: 126,
    });
    const many = {
      variables: Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`N${index}`, long.slice(9)])),
    };
    const { failure } = await finish([PROBE, 'exit', '0'], many, scratch);
    expect(failure).toMatchObject({ code: 'E2BIG', message: expect.stringContaining('in total') as string });
  });

  test('names a program that cannot be started, and why', async () => {
    const container = await open();
    const { workingFolder } = container;
    const files: readonly (readonly [string, string, number])[] = [
      ['plain', '#!/bin/sh\necho ran', 0o644],
      ['interpreter', '#!/no/such/interpreter -x\n', 0o755],
      ['windows', '#!/bin/sh\r\necho ran\r\n', 0o755],
      ['binary', '\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\xb7\0'.padEnd(200, '\0'), 0o755],
      ['unknown', 'MZ\0\0', 0o755],
    ];
    for (const [name, text, mode] of files) {
      await writeFile(join(workingFolder, name), text, { encoding: 'latin1', mode });
    }
    await mkdir(join(workingFolder, 'folder'));
    const failureOf = async (program: string, order: Partial<CommandOrder> = {}) =>
      (await finish([program, 'x'], { workingFolder, ...order })).failure;
    const expectFailure = async (program: string, code: string, words: RegExp, order?: Partial<CommandOrder>) =>
      expect(await failureOf(program, order)).toEqual({ code, message: expect.stringMatching(words) as string });

    await expectFailure('no-such-program', 'ENOENT', /no-such-program is not on its PATH \(\/usr\/local/);
    await expectFailure('./no-such-file', 'ENOENT', /\.\/no-such-file cannot be found/);
    await expectFailure('', 'ENOENT', /cannot be found/);
    await expectFailure('./plain', 'EACCES', /\.\/plain may not be executed.*mode is 0644/);
    await expectFailure('plain', 'EACCES', /mode is 0644/, { variables: { PATH: `/bin:${workingFolder}` } });
    await expectFailure('./folder', 'EACCES', /is a folder/);
    await expectFailure('./plain/x', 'ENOTDIR', /\.\/plain\/x/);
    await expectFailure('./interpreter', 'ENOENT', /interpreter \/no\/such\/interpreter does not exist$/);
    await expectFailure('./windows', 'ENOENT', /carriage return/);
    await expectFailure('./binary', 'ENOEXEC', /ELF file for machine 183/);
    await expectFailure('./unknown', 'ENOEXEC', /its format is unknown/);
    await expectFailure('sh', 'ENOENT', /working folder \/no\/such/, { workingFolder: '/no/such' });
    await expectFailure('x'.repeat(300), 'ENAMETOOLONG', /too long/);
  });

  test('names the loader that an image does not have', async () => {
    const container = await open(scratch);
    await writeFile(join(container.folder, 'work', 'sh'), await readFile('/bin/sh'), { mode: 0o755 });
    await writeFile(join(container.folder, 'work', 'script'), 'echo ran', { mode: 0o755 });
    const { failure } = await container.run(['./sh', '-c', 'true']);
    expect(failure).toEqual({
      code: 'ENOENT',
      message: expect.stringMatching(/its loader \/lib\S+ does not exist/) as string,
    });
  });

  test('finds programs as a shell does', async () => {
    const container = await open();
    const { workingFolder } = container;
    await writeFile(join(workingFolder, 'tool'), 'echo "ran $1 $0"', { mode: 0o755 });
    await mkdir(join(workingFolder, 'first'));
    await writeFile(join(workingFolder, 'first', 'tool'), '', { mode: 0o644 });
    const outputOf = async (program: string, path: string | undefined) => {
      const variables = path === undefined ? {} : { PATH: path };
      return (await finish([program, 'well'], { workingFolder, variables })).output;
    };
    // Skips a file that is not executable; runs a text file without `#!` in a shell.
    expect(await outputOf('tool', `first:/nothing:${workingFolder}`)).toBe(`ran well ${workingFolder}/tool\n`);
    // An empty element is the working folder.
    expect(await outputOf('tool', '/bin:')).toBe('ran well tool\n');
    expect(await outputOf('./tool', undefined)).toBe('ran well ./tool\n');
    expect(await outputOf('echo', undefined)).toBe('well\n');
    await chmod(join(workingFolder, 'tool'), 0o111);
    expect(await outputOf('./first/../tool', '')).toBe('ran well ./first/../tool\n');
  });
});

describe('signals', () => {
  test('lets a command handle a signal', async () => {
    const container = await open();
    container.order(['sh', '-c', 'trap "echo bye; exit 5" TERM; echo up; while :; do sleep 0.05; done']);
    await container.untilWritten('up');
    container.connection!.signal('SIGTERM', { killAfterMs: 10_000 });
    const { end, output } = await container.outcome();
    expect(end).toMatchObject({ code: 5, killed: false });
    expect(output).toMatch(/^up\n(Terminated\n)?bye\n$/);
  });

  test.each(['SIGTERM', 'SIGKILL'] as const)('keeps %s for a command that is being started', async (signal) => {
    const container = await open(scratch);
    container.order([PROBE, 'sleep']);
    container.connection!.signal(signal);
    const { end } = await container.outcome();
    expect(end).toMatchObject({ killed: signal === 'SIGKILL' });
    expect(end?.signal ?? end?.code).toBe(signal);
  });

  test('kills a command that ignores the signal, with all its processes', async () => {
    const container = await open();
    const stubborn = `trap "" TERM; setsid sh -c 'trap "" TERM; (sleep 1000 & ); exec sleep 1000' & (sleep 1000 &) ; echo up; while :; do sleep 0.05; done`;
    container.order(['sh', '-c', stubborn]);
    await container.untilWritten('up');
    container.connection!.signal('SIGTERM', { killAfterMs: 200 });
    expect((await container.outcome()).end).toMatchObject({ signal: 'SIGKILL', killed: true });
    expect(container.processes()).toEqual([]);
  });

  test('signals processes that are created after the signal', async () => {
    const container = await open();
    container.order(['sh', '-c', 'trap "sleep 1000" TERM; echo up; sleep 1000; echo after']);
    await container.untilWritten('up');
    // A child of the shell that gets the signal before it has become `sleep` loses it.
    await expect.poll(() => container.processes().map(commandOf)).toContain('sleep 1000');
    container.connection!.signal('SIGTERM', { killAfterMs: 60_000 });
    expect(await container.outcome()).toMatchObject({ end: { code: 0, killed: false } });
  });

  test('survives what a command can do to process 1', async () => {
    const container = await open(scratch);
    const { end, output } = await container.run([PROBE, 'attack']);
    expect(end).toMatchObject({ code: 0 });
    const denied = ['auxv', 'environ', 'exe', 'fd/0', 'maps', 'mem', 'pidfd_getfd', 'ptrace'];
    expect(JSON.parse(output)).toEqual(Object.fromEntries(denied.map((name) => [name, 'true'])));
    expect(container.events).toEqual(['started', 'exited']);
    expect(await container.bye()).toBe(0);
    expect(await shell('kill -KILL -1; kill -STOP 1; kill -KILL 1; echo survived')).toMatchObject({
      output: expect.stringMatching(/survived\n$/) as string,
    });
  });

  test('ends a fork bomb that has used up the process limit', async () => {
    const container = await open({ user: POD_USER + 1, maxProcesses: 60 });
    const bomb = 'while (1) { my $pid = fork; select undef, undef, undef, 0.01 unless defined $pid }';
    container.order(['perl', '-e', bomb]);
    // The limit counts the threads of the shim too.
    await expect.poll(() => container.processes().length, { interval: 20 }).toBeGreaterThan(25);
    container.disconnect();
    await container.listen({ secret: SECRET, acknowledged: 0 });
    await container.accept();
    container.connection!.signal('SIGKILL');
    expect((await container.outcome()).end).toMatchObject({ signal: 'SIGKILL', hasSurvivors: false });
    expect(container.processes()).toEqual([]);
  });
});

/** Returns the command line of a process; empty when it has ended. */
function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}
