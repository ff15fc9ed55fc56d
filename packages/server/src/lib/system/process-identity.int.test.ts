import { closeSync, openSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { checkProcess, processIdentity } from './process-identity.mjs';
import { run } from '#lib/process.ts';

/** In addition to the open ones. */
const LEFT = 50;

const limits = async (...words: readonly string[]) => {
  const { stdout } = await run('/usr/bin/prlimit', ['--pid', String(process.pid), ...words]);
  return stdout.toString().trim();
};

test('a process without free file descriptors reports no process as exited', async () => {
  const parent = processIdentity(process.ppid)!;
  expect(checkProcess(parent)).toBe('alive');
  const before = await limits('--nofile', '--output=SOFT', '--noheadings');
  await limits(`--nofile=${Math.max(...readdirSync('/proc/self/fd').map(Number)) + LEFT}:`);
  const opened: number[] = [];
  let full: unknown;
  try {
    while (opened.length < 10 * LEFT) opened.push(openSync('/dev/null', 'r'));
  } catch (error) {
    full = error;
  }
  const judged = checkProcess(parent);
  for (const fd of opened) closeSync(fd);
  await limits(`--nofile=${before}:`);
  expect(full).toMatchObject({ code: 'EMFILE' });
  expect(judged).toBe('other');
  expect(checkProcess(parent)).toBe('alive');
});
