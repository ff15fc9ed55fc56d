/** A signal for the end of a command may be lost: here all of them are. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { shell, task, textOf } from '../../suite.ts';
import { startEngine, type TestEngine } from '../engine.testing.ts';

const SYSTEM_PATH = '/usr/sbin:/usr/bin:/sbin:/bin';
/** Blocked signals stay blocked in the program that replaces this one. */
const WITHOUT_SIGCHLD = `#!/usr/bin/perl
use POSIX ();
POSIX::sigprocmask(POSIX::SIG_BLOCK(), POSIX::SigSet->new(POSIX::SIGCHLD()));
exec { '/usr/bin/perl' } 'perl', @ARGV;
`;

let programs: string;
let engine: TestEngine;
beforeAll(async () => {
  programs = await mkdtemp(join(tmpdir(), 'dais-programs-'));
  await writeFile(join(programs, 'perl'), WITHOUT_SIGCHLD);
  await chmod(join(programs, 'perl'), 0o755);
  engine = await startEngine({ path: `${programs}:${SYSTEM_PATH}` });
});
afterAll(async () => {
  await engine.end();
  await rm(programs, { recursive: true });
});

test('detects the end of a command', async () => {
  expect(await engine.finish(task(['true']))).toMatchObject({ phase: 'ended', end: 'exit', code: 0 });
  const failed = shell('echo out; exit 3');
  expect(await engine.finish(failed)).toMatchObject({ phase: 'ended', end: 'exit', code: 3 });
  expect(await textOf(engine.compute, failed.attempt)).toBe('out\n');
});

test('detects the end of a command whose child keeps the output open', async () => {
  const left = shell('sleep 1000 & echo left');
  expect(await engine.finish(left)).toMatchObject({ phase: 'ended', end: 'exit', code: 0 });
  expect(await textOf(engine.compute, left.attempt)).toBe('left\n');
});

test('detects the end of an isolated command', async () => {
  const isolated = shell('exit 4', { isolation: 'required' });
  expect(await engine.finish(isolated)).toMatchObject({ phase: 'ended', end: 'exit', code: 4 });
});
