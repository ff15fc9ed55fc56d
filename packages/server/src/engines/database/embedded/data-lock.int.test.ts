import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { processIdentity, type ProcessIdentity } from '#lib/system/process-identity.ts';
import { start } from '#lib/process.ts';
import { takeDataLock } from './data-lock.ts';

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

test('one of many takers gets it, and after its release another one', async () => {
  const takers = await Promise.allSettled(Array.from({ length: 20 }, () => takeDataLock(folder)));
  const taken = takers.flatMap((taker) => (taker.status === 'fulfilled' ? [taker.value] : []));
  expect(taken).toHaveLength(1);
  await expect(takeDataLock(folder)).rejects.toMatchObject({
    code: 'data_locked',
    message: expect.stringContaining(`process ${process.pid} (`) as string,
  });
  await taken[0]!.touch();
  await taken[0]!.release();
  await (await takeDataLock(folder)).release();
  expect(await readdir(folder)).toEqual([]);
});

test('the lock of a dead process is taken at once, by one of many', async () => {
  const child = start('/bin/sleep', ['60'], { stdio: 'ignore' });
  const identity = processIdentity(child.pid!)!;
  await leave(identity);
  await expect(takeDataLock(folder)).rejects.toThrow(`process ${child.pid}`);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
  const takers = await Promise.allSettled(Array.from({ length: 20 }, () => takeDataLock(folder)));
  expect(takers.filter((taker) => taker.status === 'fulfilled')).toHaveLength(1);
});

test('a pid that is used again does not hold the lock', async () => {
  await leave({ ...here, startTime: '1' });
  await expect(takeDataLock(folder)).resolves.toBeDefined();
});

test('a lock from before a reboot is taken when nobody touches it', async () => {
  await leave({ ...here, bootId: 'another-boot' });
  await expect(takeDataLock(folder, { quietMs: 500 })).resolves.toBeDefined();
});

test('a lock of another container is respected while its holder touches it', async () => {
  const file = await leave({ ...here, pidNamespace: 'pid:[1]' });
  const touching = setInterval(
    () => void writeFile(file, JSON.stringify({ ...here, pidNamespace: 'pid:[1]', command: 'dais up' })),
    100,
  );
  try {
    await expect(takeDataLock(folder, { quietMs: 5_000 })).rejects.toThrow('(dais up)');
  } finally {
    clearInterval(touching);
  }
});

test('a lock that a crash cut short belongs to nobody', async () => {
  await leave({}, '');
  await expect(takeDataLock(folder, { quietMs: 500 })).resolves.toBeDefined();
});
