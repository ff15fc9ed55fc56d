import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { processIdentity, type ProcessIdentity } from '#lib/system/process-identity.mjs';
import { start } from '#lib/process.ts';
import { acquireDataLock } from './data-lock.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dais-lock-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const here = processIdentity(process.pid)!;

async function leave(holder: Partial<ProcessIdentity>, text?: string): Promise<string> {
  await mkdir(path.join(folder, 'lock'));
  const file = path.join(folder, 'lock', 'somebody');
  await writeFile(file, text ?? JSON.stringify({ pid: 1, command: 'dais up', ...holder }));
  return file;
}

test('one of several processes gets the lock, and after its release another one', async () => {
  const takers = await Promise.allSettled(Array.from({ length: 20 }, () => acquireDataLock(folder)));
  const taken = takers.flatMap((taker) => (taker.status === 'fulfilled' ? [taker.value] : []));
  expect(taken).toHaveLength(1);
  await expect(acquireDataLock(folder)).rejects.toMatchObject({
    code: 'data_locked',
    message: expect.stringContaining(`process ${process.pid} (`) as string,
  });
  await taken[0]!.touch();
  await taken[0]!.release();
  await (await acquireDataLock(folder)).release();
  expect(await readdir(folder)).toEqual([]);
});

test('one of several processes immediately gets the lock of a dead process', async () => {
  const child = start('/bin/sleep', ['60'], { stdio: 'ignore' });
  const identity = processIdentity(child.pid!)!;
  await leave(identity);
  await expect(acquireDataLock(folder)).rejects.toThrow(`process ${child.pid}`);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
  const takers = await Promise.allSettled(Array.from({ length: 20 }, () => acquireDataLock(folder)));
  expect(takers.filter((taker) => taker.status === 'fulfilled')).toHaveLength(1);
});

test('a reused pid does not hold the lock', async () => {
  await leave({ ...here, startTime: '1' });
  await expect(acquireDataLock(folder)).resolves.toBeDefined();
});

test('acquires a lock from before a reboot when it is not renewed', async () => {
  await leave({ ...here, bootId: 'another-boot' });
  await expect(acquireDataLock(folder, { quietMs: 500 })).resolves.toBeDefined();
});

test('respects the lock of another container while it is renewed', async () => {
  const file = await leave({ ...here, pidNamespace: 'pid:[1]' });
  const touching = setInterval(
    () => void writeFile(file, JSON.stringify({ ...here, pidNamespace: 'pid:[1]', command: 'dais up' })),
    100,
  );
  try {
    await expect(acquireDataLock(folder, { quietMs: 5_000 })).rejects.toThrow('(dais up)');
  } finally {
    clearInterval(touching);
  }
});

test('an incomplete lock of a crashed process has no owner', async () => {
  await leave({}, '');
  await expect(acquireDataLock(folder, { quietMs: 500 })).resolves.toBeDefined();
});
