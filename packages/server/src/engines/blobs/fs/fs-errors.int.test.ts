/** Faults of disks, operators and `kill -9` in the file store. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { lstat, mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test, type TestContext } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { run, start } from '#lib/process.ts';
import type { BlobStore } from '../contract.ts';
import { expectCode, locators, sha256 } from '../suite.ts';
import { openFsBlobStore } from './fs-blob-store.ts';

let root: string;
let store: BlobStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'dais-blobs-'));
  store = await openFsBlobStore({ root, clock: systemClock });
});
afterEach(async () => await rm(root, { recursive: true, force: true }));

const remains = async (): Promise<number> => (await readdir(join(root, 'tmp'))).length;

function fileOf(locator: string): string {
  const hex = locator.slice('sha256:'.length);
  return join(root, 'sha256', hex.slice(0, 2), hex.slice(2, 4), hex);
}

const PROGRAMS = { env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } };

/** Runs `work` with a separate file system. Needs root: without it the test is skipped with the reason. */
async function onSmallDisk(
  context: TestContext,
  options: string,
  work: (disk: string) => Promise<void>,
): Promise<void> {
  const disk = join(root, 'disk');
  await mkdir(disk);
  const mounted = await run('mount', ['-t', 'tmpfs', '-o', options, 'dais-test', disk], PROGRAMS);
  if (mounted.code !== 0) {
    context.skip(`needs the right to mount a small disk: ${mounted.stderr.trim()}`);
  }
  try {
    await work(disk);
  } finally {
    expect((await run('umount', [disk], PROGRAMS)).stderr).toBe('');
  }
}

test('a killed process leaves complete blobs or none, and the sweep removes its leftovers', async () => {
  // Prints blobs of every size to stdout once they are durable; the last line may be truncated.
  const program = `
    import { Readable } from 'node:stream';
    import { randomBytes } from 'node:crypto';
    import { openFsBlobStore } from ${JSON.stringify(new URL('fs-blob-store.ts', import.meta.url).href)};
    const store = await openFsBlobStore({ root: process.argv[1], clock: { now: Date.now } });
    const putAll = async () => {
      for (;;) {
        const bytes = randomBytes(Math.floor(Math.random() ** 4 * 4e6));
        const blob = await store.put(Readable.from([bytes]));
        console.log(blob.locator + ' ' + blob.size);
      }
    };
    await Promise.all([putAll(), putAll(), putAll()]);
  `;
  for (const killAfter of [1, 5, 12]) {
    const args = ['--conditions=dais-source', '--import=tsx', '--input-type=module', '--eval', program, root];
    const child = start(process.execPath, args, { cwd: import.meta.dirname, stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.split('\n').length > killAfter) child.kill('SIGKILL');
    });
    await once(child, 'close');
    const acknowledged = output.split('\n').slice(0, -1);
    expect(acknowledged.length).toBeGreaterThanOrEqual(killAfter);
    const reopened = await openFsBlobStore({ root, clock: systemClock });
    const listed = new Set(await locators(reopened));
    for (const line of acknowledged) expect(listed).toContain(line.split(' ')[0]);
    for (const locator of listed) {
      expect(`sha256:${sha256(await buffer(await reopened.get(locator)))}`).toBe(locator);
    }
    await reopened.sweep(-1000);
    expect(await remains()).toBe(0);
  }
});

test('reports a full disk as storage_full, stores nothing, and recovers when space is freed', async (context) => {
  await onSmallDisk(context, 'size=6m', async (disk) => {
    const small = await openFsBlobStore({ root: disk, clock: systemClock, minFreeBytes: 2 ** 20 });
    await small.check();
    const kept = await small.put(Readable.from([randomBytes(3_000_000)]));
    const failed = await expectCode('storage_full', small.put(Readable.from([randomBytes(9_000_000)])));
    expect(failed.message).toContain(disk);
    expect(await readdir(join(disk, 'tmp'))).toEqual([]);
    expect(await locators(small)).toEqual([kept.locator]);
    // Two blobs that fit alone but not together: at least one fails, stored blobs are complete.
    const both = await Promise.allSettled(
      [1, 2].map(async () => await small.put(Readable.from([randomBytes(2_000_000)]))),
    );
    expect(both.filter((put) => put.status === 'rejected').length).toBeGreaterThanOrEqual(1);
    // One or both failed: fill the remaining space.
    await expect(writeFile(join(disk, 'filler'), randomBytes(7_000_000))).rejects.toMatchObject({ code: 'ENOSPC' });
    await expectCode('storage_full', small.check());
    await rm(join(disk, 'filler'));
    for (const locator of await locators(small)) {
      expect(`sha256:${sha256(await buffer(await small.get(locator)))}`).toBe(locator);
      await small.delete(locator);
    }
    await small.check();
    await small.put(Readable.from([randomBytes(2_000_000)]));
    expect(await readdir(join(disk, 'tmp'))).toEqual([]);
  });
});

test('a large blob does not use the reserve of the disk', async (context) => {
  await onSmallDisk(context, 'size=64m', async (disk) => {
    const small = await openFsBlobStore({ root: disk, clock: systemClock, minFreeBytes: 40 * 2 ** 20 });
    const large = async (mib: number) =>
      await small.put(Readable.from(Array.from({ length: mib }, () => randomBytes(2 ** 20))));
    const failed = await expectCode('storage_full', large(40));
    expect(failed.message).toContain('less than the reserve');
    expect(await readdir(join(disk, 'tmp'))).toEqual([]);
    await large(10);
  });
});

test('reports a disk without free inodes as storage_full', async (context) => {
  await onSmallDisk(context, 'size=20m,nr_inodes=400', async (disk) => {
    const small = await openFsBlobStore({ root: disk, clock: systemClock, minFreeBytes: 0 });
    const puts = Array.from({ length: 90 }, async (_, n) => await small.put(Readable.from([`blob ${n}`])));
    const settled = await Promise.allSettled(puts);
    expect(settled.some((put) => put.status === 'rejected')).toBe(true);
    await expectCode(
      'storage_full',
      (async () => {
        for (let n = 0; ; n += 1) await small.put(Readable.from([`more ${n}`]));
      })(),
    );
    await expectCode('storage_full', small.check());
    expect(await readdir(join(disk, 'tmp'))).toEqual([]);
  });
});

test('links inside the tree are not followed', async () => {
  const outside = await mkdtemp(join(tmpdir(), 'dais-outside-'));
  try {
    await writeFile(join(outside, 'secret'), 'not for readers');
    const { locator } = await store.put(Readable.from(['a blob']));
    const file = fileOf(locator);
    await rm(file);
    await symlink(join(outside, 'secret'), file);
    await expect(store.get(locator)).rejects.toMatchObject({ code: 'blobs_unavailable' });
    expect(await store.stat(locator)).toBeUndefined();
    expect(await locators(store)).toEqual([]);
    // A put replaces the link with the bytes and does not change its target.
    await store.put(Readable.from(['a blob']));
    expect((await lstat(file)).isFile()).toBe(true);
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('not for readers');

    const folder = join(file, '..');
    await rename(folder, join(outside, 'moved'));
    await symlink(join(outside, 'moved'), folder);
    const uses = [
      async () => await store.get(locator),
      async () => await store.stat(locator),
      async () => await store.delete(locator),
      async () => await store.put(Readable.from(['a blob'])),
    ];
    for (const use of uses) expect((await expectCode('blobs_unavailable', use())).message).toContain('symbolic link');
    expect(await readdir(join(outside, 'moved'))).toHaveLength(1);
    expect(await remains()).toBe(0);
  } finally {
    await rm(outside, { recursive: true });
  }
});

test('permits a link to the store, but not to its subfolders', async () => {
  const link = join(root, 'link');
  await mkdir(join(root, 'real'));
  await symlink(join(root, 'real'), link);
  const linked = await openFsBlobStore({ root: link, clock: systemClock });
  const { locator } = await linked.put(Readable.from(['through the link']));
  expect((await buffer(await linked.get(locator))).toString()).toBe('through the link');

  const bad = join(root, 'bad');
  await mkdir(bad);
  await symlink(join(root, 'real'), join(bad, 'sha256'));
  await expectCode('blobs_unavailable', openFsBlobStore({ root: bad, clock: systemClock }));
});

test('a special file in place of a blob does not block a reader', async () => {
  const { locator } = await store.put(Readable.from(['a blob']));
  await rm(fileOf(locator));
  expect((await run('mkfifo', [fileOf(locator)], PROGRAMS)).code).toBe(0);
  await expectCode('blobs_unavailable', store.get(locator));
  expect(await store.stat(locator)).toBeUndefined();
  await rm(fileOf(locator));
  await mkdir(fileOf(locator));
  await expectCode('blobs_unavailable', store.get(locator));
  await expectCode('blobs_unavailable', store.delete(locator));
  await expectCode('blobs_unavailable', store.put(Readable.from(['a blob'])));
  expect(await remains()).toBe(0);
});

test('reports a file that is truncated during a read, and the next put repairs it', async () => {
  const bytes = randomBytes(2_000_000);
  const { locator } = await store.put(Readable.from([bytes]));
  const stream = await store.get(locator);
  await truncate(fileOf(locator), 900_000);
  await expectCode('blobs_unavailable', buffer(stream));
  await store.put(Readable.from([bytes]));
  expect((await buffer(await store.get(locator))).equals(bytes)).toBe(true);
});

test('neither lists nor sweeps unrelated files', async () => {
  await writeFile(join(root, 'tmp', 'somebody-elses'), 'x');
  await writeFile(join(root, 'sha256', 'ab', 'note.txt'), 'x');
  await mkdir(join(root, 'sha256', 'ab', 'cd'), { recursive: true });
  await writeFile(join(root, 'sha256', 'ab', 'cd', 'f'.repeat(64)), 'in the wrong folder');
  expect(await locators(store)).toEqual([]);
  expect(await store.sweep(-1000)).toBe(0);
});

test('reports a missing folder, and recovers when it returns', async () => {
  await rename(join(root, 'tmp'), join(root, 'away'));
  const error = await expectCode('blobs_unavailable', store.put(Readable.from(['x'])));
  expect(error.message).toContain('check that the disk is mounted');
  await expectCode('blobs_unavailable', store.check());
  await rename(join(root, 'away'), join(root, 'tmp'));
  await store.put(Readable.from(['x']));
  await store.check();
});

test('names an inaccessible folder with the reason', async () => {
  const file = join(root, 'a-file');
  await writeFile(file, '');
  const error = await expectCode(
    'blobs_unavailable',
    openFsBlobStore({ root: join(file, 'blobs'), clock: systemClock }),
  );
  expect(error.message).toContain('ENOTDIR');
});

test('reads from a read-only disk, and reports why writes fail', async (context) => {
  await onSmallDisk(context, 'size=6m', async (disk) => {
    const small = await openFsBlobStore({ root: disk, clock: systemClock, minFreeBytes: 0 });
    const { locator } = await small.put(Readable.from(['kept']));
    expect((await run('mount', ['-o', 'remount,ro', disk], PROGRAMS)).stderr).toBe('');
    const error = await expectCode('blobs_unavailable', small.put(Readable.from(['new'])));
    expect(error.message).toContain('read-only');
    await expectCode('blobs_unavailable', small.check());
    await expectCode('blobs_unavailable', small.delete(locator));
    const reopened = await openFsBlobStore({ root: disk, clock: systemClock, minFreeBytes: 0 });
    expect((await buffer(await reopened.get(locator))).toString()).toBe('kept');
  });
});

test('leaves no descriptor open after any failure', async (context) => {
  if (process.platform !== 'linux') {
    context.skip('counts descriptors in /proc');
  }
  const descriptors = async (): Promise<number> => (await readdir('/proc/self/fd')).length;
  const bytes = randomBytes(1_000_000);
  const { locator } = await store.put(Readable.from([bytes]));
  const before = await descriptors();
  for (let n = 0; n < 20; n += 1) {
    (await store.get(locator)).destroy();
    for await (const chunk of await store.get(locator)) if (chunk) break;
    await buffer(await store.get(locator, { start: 5, end: 10 }));
    await expectCode('range_not_satisfiable', store.get(locator, { start: 0, end: 2e6 }));
    await expectCode('digest_mismatch', store.put(Readable.from(['x']), { sha256: 'y' }));
    await (await store.stage(Readable.from(['x']))).discard();
    await store.put(Readable.from([bytes]));
    await store.check();
  }
  await expect.poll(descriptors).toBeLessThanOrEqual(before);
});
