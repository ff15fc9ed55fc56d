import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { judgeProcess, processIdentity } from './process-identity.ts';

/** Beyond those that are open. */
const LEFT = 50;

function limitFiles(soft: number | string): void {
  execFileSync('prlimit', ['--pid', String(process.pid), `--nofile=${soft}:`]);
}

test('a process that has no file descriptor left says of nobody that he is gone', () => {
  const parent = processIdentity(process.ppid)!;
  expect(judgeProcess(parent)).toBe('alive');
  const before = execFileSync('prlimit', ['--pid', String(process.pid), '--nofile', '-o', 'SOFT', '--noheadings']);
  const opened: number[] = [];
  let full: unknown;
  limitFiles(Math.max(...readdirSync('/proc/self/fd').map(Number)) + LEFT);
  try {
    for (let at = 0; at < 10 * LEFT; at++) opened.push(openSync('/dev/null', 'r'));
  } catch (error) {
    full = error;
  }
  const judged = judgeProcess(parent);
  for (const fd of opened) closeSync(fd);
  limitFiles(before.toString().trim());
  expect(full).toMatchObject({ code: 'EMFILE' });
  expect(judged).toBe('other');
  expect(judgeProcess(parent)).toBe('alive');
});
