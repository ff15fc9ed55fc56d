import { expect, test } from 'vitest';
import { checkProcess, processIdentity } from './system/process-identity.mjs';
import { run } from './process.ts';

const PATH = '/usr/bin:/bin';

test('lines of standard error come as they are written, the last one without its end too', async () => {
  const lines: string[] = [];
  const script = `printf 'one\\r\\ntwo' >&2; printf ' more\\nthree' >&2; echo out`;
  const result = await run('/bin/sh', ['-c', script], { env: { PATH }, onErrorLine: (line) => lines.push(line) });
  expect(lines).toEqual(['one', 'two more', 'three']);
  expect(result).toMatchObject({ code: 0, stderr: 'one\r\ntwo more\nthree' });
  expect(result.stdout.toString()).toBe('out\n');
});

test('a signal ends a program and all its child processes, even those that ignore TERM', async () => {
  const stop = new AbortController();
  const started: (ReturnType<typeof processIdentity> & object)[] = [];
  const ended = run('/bin/sh', ['-c', `sh -c 'trap "" TERM; echo $$ >&2; while :; do sleep 1; done' & wait`], {
    env: { PATH },
    group: true,
    signal: stop.signal,
    onErrorLine: (line) => {
      started.push(processIdentity(Number(line))!);
      stop.abort();
    },
  });
  const result = await ended;
  expect(result.timedOut).toBe(false);
  expect(result.code).toBe(143);
  expect(started.map(checkProcess)).toEqual(['gone']);
});

test('a program that is killed does not leave its child processes, which would hold its output', async () => {
  const started: (ReturnType<typeof processIdentity> & object)[] = [];
  const result = await run('/bin/sh', ['-c', 'sleep 600 & echo $! >&2; wait'], {
    env: { PATH },
    group: true,
    onStart: (pid) => setTimeout(() => process.kill(pid, 'SIGKILL'), 500),
    onErrorLine: (line) => started.push(processIdentity(Number(line))!),
  });
  expect(result).toMatchObject({ code: 137, timedOut: false });
  await expect.poll(() => started.map(checkProcess)).toEqual(['gone']);
});

test('an earlier signal is respected too', async () => {
  expect(await run('/bin/sleep', ['600'], { signal: AbortSignal.abort() })).toMatchObject({ code: 143 });
});
