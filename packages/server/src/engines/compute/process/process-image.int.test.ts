/** Tasks in an image: confined like all others, whatever the image contains. */
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '#lib/process.ts';
import type { TaskSpec } from '../contract.ts';
import { expectRefusal, never, outputsOf, shell, task, textOf, untilWritten } from '../suite.ts';
import { startEngine, type TestEngine } from './engine.testing.ts';

const LOCATIONS = [
  'proc',
  'dev',
  'sys/devices/system',
  'tmp',
  'var/tmp',
  'work',
  'home/step',
  '.dais/usr',
  'etc',
  'bin',
];
const PROGRAMS = ['sh', 'cat', 'id', 'ls', 'sleep', 'touch', 'env'];

let engine: TestEngine;
let root: string;
/** With programs and their libraries, in different folders. */
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'dais-image-'));
  for (const path of LOCATIONS) await mkdir(join(root, path), { recursive: true });
  for (const file of ['etc/hosts', 'etc/resolv.conf']) await writeFile(join(root, file), '');
  await writeFile(join(root, 'etc', 'image'), 'of the image\n');
  for (const program of PROGRAMS) {
    await copyFile(`/bin/${program}`, join(root, 'bin', program));
    const { stdout } = await run('ldd', [`/bin/${program}`], { env: { PATH: '/usr/bin:/bin' } });
    for (const [library] of stdout.toString('utf8').matchAll(/\/\S+\.so\S*/g)) {
      await mkdir(join(root, dirname(library)), { recursive: true });
      await copyFile(library, join(root, library));
    }
  }
  await run('chmod', ['-R', 'a+rX,a-w', root], { env: { PATH: '/usr/bin:/bin' } });
  engine = await startEngine();
});
afterAll(async () => {
  await engine?.end();
  await run('chmod', ['-R', 'u+w', root], { env: { PATH: '/usr/bin:/bin' } });
  await rm(root, { recursive: true });
});

const inImage = (spec: TaskSpec, changes: Partial<TaskSpec> = {}): TaskSpec => ({
  ...spec,
  isolation: 'required',
  environment: { folders: [], path: ['/bin'], variables: { COLOR: 'red' }, root },
  ...changes,
});

test('sees the image and its inputs, not the machine', async () => {
  const text = await engine.outputOf(
    inImage(
      shell('cat /etc/image; echo "$COLOR $WORD ${SECRET%den} ${SECRET#hid} $PATH $PWD"; ls /etc; ls /usr /opt 2>&1'),
      {
        variables: { WORD: "it's" },
        secretVariables: { SECRET: 'hidden' },
      },
    ),
  );
  expect(text).toContain("of the image\nred it's hid den /bin /work\n");
  expect(text).not.toContain('passwd');
  expect(text).toMatch(/\/opt.*No such file/);
});

test('keeps its outputs, and cannot change the image', async () => {
  const spec = inImage(shell('echo data > out; touch /etc/image 2>&1; touch /new 2>&1; touch ~/a /tmp/b && echo own'), {
    outputs: [{ name: 'out', path: 'out' }],
  });
  const text = await engine.outputOf(spec);
  expect(text.match(/Read-only file system|Permission denied/g)).toHaveLength(2);
  expect(text).toContain('own');
  expect(await outputsOf(engine.compute, spec.attempt)).toMatchObject({ out: 'data\n' });
});

test.runIf(process.getuid?.() === 0)('runs as an unprivileged user, also in the image', async () => {
  expect(await engine.outputOf(inImage(shell('id -u')))).toMatch(/^19\d{8}\n$/);
});

test('a command ends like without an image', async () => {
  expect(await engine.finish(inImage(shell('exit 7')))).toMatchObject({ phase: 'ended', code: 7 });
  expect(await engine.finish(inImage(shell('kill -9 $$')))).toMatchObject({ phase: 'ended', signal: 'SIGKILL' });
  expect(await engine.finish(inImage(task(['bwrap'])))).toMatchObject({
    phase: 'refused',
    reason: 'the program bwrap is not on its PATH (/bin), or is not executable',
  });
});

test('is canceled with all its processes', async () => {
  const spec = inImage(shell('sleep 1000 & echo up; sleep 1000'), { limits: { graceMs: 200 } });
  await engine.compute.submit(spec);
  await untilWritten(engine.compute, spec.attempt, 'up');
  await engine.compute.cancel(spec.attempt);
  expect(await engine.compute.wait(spec.attempt, never)).toMatchObject({ phase: 'ended', end: 'canceled' });
  expect(await textOf(engine.compute, spec.attempt)).toContain('up\n');
});

test('rejects an image without isolation', async () => {
  const spec = inImage(shell('true'), { isolation: 'none' });
  await expectRefusal(engine.compute.submit(spec), 'invalid_request', /isolation: must be `required`/);
});
