import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { processIdentity } from './process-identity.ts';
import { ifProcessLockFree, withProcessLock } from './process-lock.ts';

let folder: string;
let place: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-lock-'));
  place = join(folder, 'one');
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** A lock as another process would have left it. */
async function leave(text: string): Promise<void> {
  await mkdir(place);
  await writeFile(join(place, 'token'), text);
}

test('twenty concurrent callers run one after the other, and nothing is left', async () => {
  let inside = 0;
  let most = 0;
  const work = async () => {
    most = Math.max(most, ++inside);
    await new Promise((resolve) => setImmediate(resolve));
    inside -= 1;
  };
  await Promise.all(Array.from({ length: 20 }, async () => await withProcessLock(place, work)));
  expect(most).toBe(1);
  expect(await readdir(folder)).toEqual([]);
});

test('the lock is released after a failure', async () => {
  const failed = withProcessLock(place, async () => await Promise.reject(new Error('work')));
  await expect(failed).rejects.toThrow('work');
  expect(await withProcessLock(place, async () => 'again')).toBe('again');
});

test('a lock of a dead process, and one of which nothing reached the disk, are taken over', async () => {
  const self = processIdentity(process.pid)!;
  await leave(JSON.stringify({ ...self, startTime: '1' }));
  expect(await withProcessLock(place, async () => 1)).toBe(1);
  await leave('');
  expect(await ifProcessLockFree(place, async () => 2)).toBe(2);
  expect(await readdir(folder)).toEqual([]);
});

test('a lock of another boot is taken over once it was untouched for long enough', async () => {
  const self = processIdentity(process.pid)!;
  await leave(JSON.stringify({ ...self, bootId: 'another' }));
  let waited = 0;
  const options = { quietMs: 200, waiting: () => void (waited += 1) };
  expect(await withProcessLock(place, async () => 1, options)).toBe(1);
  expect(waited).toBe(1);
});

test('a living holder is waited for, until the signal aborts', async () => {
  let finish = () => {};
  const held = withProcessLock(place, async () => await new Promise<void>((resolve) => (finish = resolve)));
  await expect.poll(async () => await readdir(folder)).toEqual(['one']);
  expect(await ifProcessLockFree(place, async () => 1)).toBeUndefined();
  const stop = new AbortController();
  const waiting = withProcessLock(place, async () => 2, {
    signal: stop.signal,
    waiting: () => stop.abort(new Error('enough')),
  });
  await expect(waiting).rejects.toThrow('enough');
  const next = withProcessLock(place, async () => 3, { waiting: () => finish() });
  expect(await next).toBe(3);
  await held;
  expect(await readdir(folder)).toEqual([]);
});
