import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { run } from '#lib/process.ts';
import { processIdentity } from './process-identity.mjs';
import { ifProcessLockFree, withProcessLock } from './process-lock.mjs';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-lock-'));
  path = join(folder, 'one');
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

/** A lock as another process would have left it. */
async function leave(text: string): Promise<void> {
  await mkdir(path);
  await writeFile(join(path, 'token'), text);
}

test('twenty concurrent callers run one after the other, and no lock remains', async () => {
  let inside = 0;
  let most = 0;
  const work = async () => {
    most = Math.max(most, ++inside);
    await new Promise((resolve) => setImmediate(resolve));
    inside -= 1;
  };
  await Promise.all(Array.from({ length: 20 }, async () => await withProcessLock(path, work)));
  expect(most).toBe(1);
  expect(await readdir(folder)).toEqual([]);
});

test('processes run one after the other, without type stripping, as in the tools', async () => {
  const counter = join(folder, 'count');
  await writeFile(counter, '0');
  // Reading, waiting and writing loses counts unless only one process at a time does it.
  const script = `
    import { readFileSync, writeFileSync } from 'node:fs';
    import { withProcessLock } from ${JSON.stringify(new URL('process-lock.mjs', import.meta.url).href)};
    for (let turn = 0; turn < 5; turn++) await withProcessLock(${JSON.stringify(path)}, async () => {
      const count = Number(readFileSync(${JSON.stringify(counter)}, 'utf8'));
      await new Promise((resolve) => setImmediate(resolve));
      writeFileSync(${JSON.stringify(counter)}, String(count + 1));
    });`;
  const args = ['--no-experimental-strip-types', '--input-type=module', '-e', script];
  const runs = await Promise.all(Array.from({ length: 4 }, async () => await run(process.execPath, args)));
  expect(runs.map(({ stdout }) => stdout.toString())).toEqual(['', '', '', '']);
  expect(await readFile(counter, 'utf8')).toBe('20');
});

test('the folder of the lock is created', async () => {
  expect(await withProcessLock(join(folder, 'locks', 'one'), async () => 1)).toBe(1);
});

test('the lock is released after a failure', async () => {
  const failed = withProcessLock(path, async () => await Promise.reject(new Error('work')));
  await expect(failed).rejects.toThrow('work');
  expect(await withProcessLock(path, async () => 'again')).toBe('again');
});

test('a lock of a dead process, and one without content on disk, are acquired', async () => {
  const self = processIdentity(process.pid)!;
  await leave(JSON.stringify({ ...self, startTime: '1' }));
  expect(await withProcessLock(path, async () => 1)).toBe(1);
  const { stdout } = await run(process.execPath, ['-p', 'process.pid']);
  await leave(JSON.stringify({ ...self, pid: Number(stdout.toString()) }));
  await expect(withProcessLock(path, async () => await Promise.reject(new Error('inside')))).rejects.toThrow('inside');
  await leave('');
  expect(await ifProcessLockFree(path, async () => 2)).toBe(2);
  expect(await readdir(folder)).toEqual([]);
});

test('a lock that cannot be read fails with the reason instead of being tried forever', async () => {
  await mkdir(join(path, 'token'), { recursive: true });
  const stop = AbortSignal.timeout(2000);
  await expect(withProcessLock(path, async () => 1, { signal: stop })).rejects.toThrow('EISDIR');
  expect(await readdir(folder)).toEqual(['one']);
});

test('a lock of another boot is acquired once it was unchanged for long enough', async () => {
  const self = processIdentity(process.pid)!;
  await leave(JSON.stringify({ ...self, bootId: 'another' }));
  let waited = 0;
  const options = { quietMs: 200, waiting: () => void (waited += 1) };
  expect(await withProcessLock(path, async () => 1, options)).toBe(1);
  expect(waited).toBe(1);
});

test('a living holder is waited for, until the signal aborts', async () => {
  let finish = () => {};
  const held = withProcessLock(path, async () => await new Promise<void>((resolve) => (finish = resolve)));
  await expect.poll(async () => await readdir(folder)).toEqual(['one']);
  expect(await ifProcessLockFree(path, async () => 1)).toBeUndefined();
  const stop = new AbortController();
  const waiting = withProcessLock(path, async () => 2, {
    signal: stop.signal,
    waiting: () => stop.abort(new Error('enough')),
  });
  await expect(waiting).rejects.toThrow('enough');
  const next = withProcessLock(path, async () => 3, { waiting: () => finish() });
  expect(await next).toBe(3);
  await held;
  expect(await readdir(folder)).toEqual([]);
});
