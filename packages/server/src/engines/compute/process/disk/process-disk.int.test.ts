/** Disk limits of running tasks: wherever a task writes, it is ended with the reason. Every test program stops at 256 MiB. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { run } from '#lib/process.ts';
import { input, never, shell, textOf, untilWritten } from '../../suite.ts';
import type { Isolation, TaskState } from '../../contract.ts';
import { startEngine, type TestEngine } from '../engine.testing.ts';

const MIB = 2 ** 20;
const SYSTEM_PATH = '/usr/sbin:/usr/bin:/sbin:/bin';
const LIMITS = { diskBytes: 16 * MIB, diskFiles: 2000, graceMs: 0 };
const PATIENCE = 60_000;

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(async () => await engine.end());

const after: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const undo of after.splice(0).toReversed()) await undo();
});

const ended = (state: TaskState | undefined) => state as Extract<TaskState, { phase: 'ended' }>;
/** Writes this many MiB to the file, in pieces, then sleeps. */
const fill = (file: string, mib = 256): string =>
  `n=0; while [ $n -lt ${mib} ]; do head -c ${MIB} /dev/zero || exit 5; n=$((n+1)); done >"${file}"; sleep 300`;

const LOCATIONS: Readonly<Record<string, string>> = {
  'its working folder': fill('fill'),
  'its home': fill('$HOME/fill'),
  'its temporary files': fill('$TMPDIR/fill'),
  'a folder that it cannot read itself': `mkdir -p a/b; ${fill('a/b/fill', 256).replace('; sleep', '; chmod 0 a/b a; sleep')}`,
  'a file without a name': `exec 7>gone; rm gone; ${fill('/proc/self/fd/7')}`,
};
const ISOLATED_LOCATIONS: Readonly<Record<string, string>> = {
  '/tmp': fill('/tmp/fill'),
  '/var/tmp': fill('/var/tmp/fill'),
  'shared memory': fill('/dev/shm/fill'),
};

describe.each<[string, Isolation]>([
  ['not isolated', 'none'],
  ['isolated', 'required'],
])('a task, %s, that writes too much', (_name, isolation) => {
  const locations = { ...LOCATIONS, ...(isolation === 'required' && ISOLATED_LOCATIONS) };

  test.concurrent.each(Object.entries(locations))(
    'into %s is ended with the reason',
    { timeout: PATIENCE },
    async (_place, script) => {
      const state = ended(await engine.finish(shell(script, { limits: LIMITS, isolation })));
      expect(state).toMatchObject({ phase: 'ended', end: 'disk-full' });
      expect(state.detail).toMatch(
        /^The step used [\d.]+ MiB of disk .*; its disk limit is 16 MiB\..*`resources\.disk`/,
      );
    },
  );

  test.concurrent('endless files is ended with the reason', { timeout: PATIENCE }, async () => {
    const script = 'n=0; while [ $n -lt 20000 ]; do : >f$n; n=$((n+1)); done; sleep 300';
    const state = ended(await engine.finish(shell(script, { limits: LIMITS, isolation })));
    expect(state).toMatchObject({ end: 'disk-full' });
    expect(state.detail).toMatch(/^The step created [\d,]+ files and folders; the limit is 2,000\./);
  });

  test.concurrent('in too deeply nested folders is ended with the reason', { timeout: PATIENCE }, async () => {
    const script = 'n=0; while [ $n -lt 300 ]; do mkdir d && cd d; n=$((n+1)); done; sleep 300';
    const state = ended(await engine.finish(shell(script, { limits: LIMITS, isolation })));
    expect(state).toMatchObject({ end: 'disk-full' });
    expect(state.detail).toMatch(/nested folders too deep/);
  });
});

test('an isolated task can write only where Dais measures', async () => {
  const script = `for place in / /dev /proc /sys /run /etc /usr /opt /bin /lib /srv /home /root /mnt /var; do
    (: >"$place/x") 2>/dev/null && echo "$place"; done; true`;
  expect(await engine.outputOf(shell(script, { isolation: 'required' }))).toBe('');
});

test('counts the allocated size of a sparse file', async () => {
  const script = 'truncate -s 1T o && echo some >o2; sleep 1; ls -l o | tr -s " " | cut -d " " -f 5';
  const spec = shell(script, { limits: LIMITS });
  expect(await engine.finish(spec)).toMatchObject({ end: 'exit', code: 0 });
  expect(await textOf(engine.compute, spec.attempt)).toBe(`${2 ** 40}\n`);
});

test('rejects inputs beyond the limit, and leaves nothing', async () => {
  const inputs = [input('one', Buffer.alloc(10 * MIB)), input('two', Buffer.alloc(10 * MIB))];
  const before = await readdir(join(engine.folder, 'compute', 'staging'));
  await expect(engine.compute.submit(shell('true', { inputs, limits: LIMITS }))).rejects.toThrow(
    /The inputs of the step are larger than its disk limit of 16 MiB/,
  );
  expect(await readdir(join(engine.folder, 'compute', 'staging'))).toEqual(before);
});

test(
  'on an almost full disk, ends the task that wrote the most, and the others continue',
  { timeout: PATIENCE },
  async () => {
    const disk = await mkdtemp(join(tmpdir(), 'dais-disk-'));
    after.push(async () => await rm(disk, { recursive: true }));
    const env = { PATH: SYSTEM_PATH };
    const mounted = await run('mount', ['-t', 'tmpfs', '-o', 'size=64m,mode=755', 'dais-test', disk], { env });
    if (mounted.code !== 0) throw new Error(`${mounted.stderr.trim()}: run this test as root, with SYS_ADMIN.`);
    after.push(async () => await run('umount', ['--lazy', disk], { env }));
    const small = await startEngine({ keepFreeBytes: 16 * MIB }, disk);
    after.push(async () => await small.end());
    const neighbor = shell(
      'head -c 4000000 /dev/zero >some; echo up; while [ ! -e go ]; do sleep 0.05; done; echo done',
    );
    await small.compute.submit(neighbor);
    await untilWritten(small.compute, neighbor.attempt, 'up');
    const filler = shell('head -c 52000000 /dev/zero >fill; sleep 300', { limits: { graceMs: 0 } });
    const state = ended(await small.finish(filler));
    expect(state).toMatchObject({ end: 'disk-full' });
    expect(state.detail).toMatch(/more than any other step, and the disk of the server has only [\d.]+ MiB left/);
    await small.compute.forget(filler.attempt);
    expect(await small.compute.status(neighbor.attempt)).toMatchObject({ phase: 'running' });
    await run('touch', [join(small.folder, 'compute', 'tasks', neighbor.attempt, 'box', 'work', 'go')], { env });
    expect(await small.compute.wait(neighbor.attempt, never)).toMatchObject({ end: 'exit', code: 0 });
  },
);
