/** Objects and bytes of tasks in a folder, as several processes see them. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openFsNamedObjects } from '#engines/blobs/fs/fs-named-objects.ts';
import { systemClock } from '#lib/clock.ts';
import { openTaskObjects, type NamedStore } from './task-objects.ts';
import { AttemptFiles, type OrderSeal, type TaskObjects } from './task-store.ts';
import { sweepTasks } from './task-sweep.ts';

const PART = 1000;

let folder: string;
let store: NamedStore;
let objects: TaskObjects;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-task-objects-'));
  store = openFsNamedObjects(folder);
  objects = openTaskObjects(store, { partBytes: PART });
});
afterEach(async () => await rm(folder, { recursive: true, force: true }));

async function names(): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of store.list('')) found.push(name);
  return found;
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

describe('bytes', () => {
  test.each([0, 1, PART - 1, PART, PART + 1, 3 * PART, 10 * PART + 7])('%i of them return unchanged', async (size) => {
    const bytes = randomBytes(size);
    const chunks = [bytes.subarray(0, 3), bytes.subarray(3, 5), bytes.subarray(5)].filter(({ length }) => length > 0);
    const stored = await objects.putBytes('dais/a/bytes', Readable.from(chunks));
    expect(stored).toMatchObject({ size, sha256: sha256(bytes) });
    expect(stored.locator).toMatch(/^dais\/a\/bytes\/[\x21-\x7e]+$/);
    expect(await names()).toHaveLength(Math.ceil(size / PART));
    // Another process.
    const other = openTaskObjects(openFsNamedObjects(folder), { partBytes: 7 });
    expect(await buffer(await other.getBytes(stored.locator))).toEqual(bytes);
  });

  test('a source that fails, or is destroyed, leaves nothing', async () => {
    const failing = Readable.from(
      (async function* chunks() {
        yield Buffer.alloc(5 * PART + 1);
        await expect.poll(names, { interval: 5 }).toHaveLength(5);
        throw new Error('the connection broke');
      })(),
    );
    await expect(objects.putBytes('dais/a/bytes', failing)).rejects.toThrow('the connection broke');
    expect(await names()).toEqual([]);
    const source = new Readable({ read: () => {} });
    source.push(Buffer.alloc(2 * PART));
    const stored = objects.putBytes('dais/a/bytes', source);
    // One part or both: a fast disk has the second before the next look.
    await expect.poll(names, { interval: 5 }).not.toEqual([]);
    source.destroy();
    await expect(stored).rejects.toMatchObject({ code: 'ERR_STREAM_PREMATURE_CLOSE' });
    expect(await names()).toEqual([]);
  });

  test('are missing when a part was deleted, or is shorter', async () => {
    const put = async () => await objects.putBytes('dais/a/bytes', Readable.from([randomBytes(3 * PART)]));
    const missing = { code: 'content_missing' };
    const one = await put();
    await store.delete((await names())[1] ?? '');
    await expect(objects.getBytes(one.locator)).rejects.toMatchObject(missing);
    const two = await put();
    const last = (await names()).find((name) => name.startsWith(`${two.locator.split(':')[0]}/`)) ?? '';
    await store.put(last, Buffer.alloc(3));
    await expect(objects.getBytes(two.locator)).rejects.toMatchObject(missing);
    for (const foreign of ['', '../../etc/passwd:1:1', two.locator.replace(':3:', ':2:'), 'sha256:abc']) {
      await expect(objects.getBytes(foreign)).rejects.toMatchObject(missing);
    }
  });

  test('waiting transfers hold no memory, and an abandoned reader gives up its turn', async () => {
    objects = openTaskObjects(store, { partBytes: PART, transfers: 2 });
    const { locator } = await objects.putBytes('dais/a/bytes', Readable.from([randomBytes(5 * PART)]));
    // Opened and not read: they take no turn.
    const idle = await Promise.all(Array.from({ length: 10 }, async () => await objects.getBytes(locator)));
    const halves = await Promise.all([1, 2].map(async () => await objects.getBytes(locator)));
    for (const half of halves) await half[Symbol.asyncIterator]().next();
    let isRead = false;
    const third = buffer(await objects.getBytes(locator)).then((bytes) => {
      isRead = true;
      return bytes;
    });
    await sleep(50);
    expect(isRead).toBe(false);
    halves[0]?.destroy();
    expect(await third).toHaveLength(5 * PART);
    halves[1]?.destroy();
    for (const one of idle) one.destroy();
    expect(await objects.putBytes('dais/a/bytes', Readable.from([]))).toMatchObject({ size: 0 });
  });

  test('bytes of any size pass with bounded memory', { timeout: 60_000 }, async () => {
    objects = openTaskObjects(store);
    setFlagsFromString('--expose-gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const block = randomBytes(1 << 20);
    const before = process.memoryUsage.rss();
    let highest = before;
    let passed = 0;
    const pass = (bytes: number) => {
      // Without a garbage collection, the result depends on when Node frees the chunks, not on how many are kept.
      if (Math.floor(passed / 2 ** 25) !== Math.floor((passed + bytes) / 2 ** 25)) collectGarbage();
      passed += bytes;
      highest = Math.max(highest, process.memoryUsage.rss());
    };
    const blocks = function* blocks(count: number) {
      for (let at = 0; at < count; at += 1) {
        pass(block.length);
        yield block;
      }
    };
    const { locator, size } = await objects.putBytes('dais/a/bytes', Readable.from(blocks(256)));
    expect(size).toBe(2 ** 28);
    for await (const chunk of await objects.getBytes(locator)) pass((chunk as Buffer).length);
    expect(passed).toBe(2 * 2 ** 28);
    expect((highest - before) / 2 ** 20).toBeLessThan(128);
  });
});

/** The contents are no secret here. */
const plain: OrderSeal & { opened: number } = {
  opened: 0,
  seal: async (order) => await Promise.resolve(order),
  open: async (sealed) => {
    plain.opened += 1;
    return await Promise.resolve(sealed);
  },
};

test('everything of an attempt is below its folder, and is removed with it', async () => {
  const files = new AttemptFiles(objects, plain, 'dais');
  const fill = async (attempt: string) => {
    const { locator } = await files.storeInput(attempt, Readable.from([Buffer.alloc(2 * PART)]));
    const order = { command: ['x'] } as never;
    await files.putOrder(attempt, 'digest', { order, task: {} as never, locators: [locator] });
    await files.putLog(attempt, 0, Buffer.from('log'));
    await files.putOutput(attempt, 'pod', 3, Readable.from([Buffer.from('output')]));
    return locator;
  };
  const first = await fill('one');
  const second = await fill('one-more');
  expect((await names()).filter((name) => !/^dais\/one(?:-more)?\//.test(name))).toEqual([]);
  const output = await files.getOutput('one', 'pod', 3);
  expect(output).toMatchObject({ size: 6, sha256: sha256(Buffer.from('output')) });
  plain.opened = 0;
  for (let time = 0; time < 3; time += 1) expect(await files.inputLocator('one', 'digest', 0)).toBe(first);
  expect(await files.inputLocator('one', 'digest', 1)).toBeUndefined();
  expect(plain.opened).toBe(1);
  await files.remove('one');
  expect((await names()).filter((name) => !name.startsWith('dais/one-more/'))).toEqual([]);
  expect(await files.inputLocator('one', 'digest', 0)).toBeUndefined();
  await expect(files.openBytes(first)).rejects.toMatchObject({ code: 'content_missing' });
  expect(await buffer(await files.openBytes(second))).toHaveLength(2 * PART);
  await files.remove('one-more');
  expect(await readdir(folder)).toEqual([]);
});

test('the sweep deletes what is left of attempts that nobody knows, a day after their last object', async () => {
  const yesterday = new Date(Date.now() - 25 * 3_600_000);
  const put = async (name: string, at?: Date) => {
    await store.put(name, Buffer.from('x'));
    if (at !== undefined) await utimes(join(folder, name), at, at);
  };
  await put('dais/forgotten/bytes/1/000000', yesterday);
  await put('dais/forgotten/order-1', yesterday);
  await put('dais/forgotten-too/order-1', yesterday);
  await put('dais/active/order-1', yesterday);
  await put('dais/active/log/0');
  await put('dais/running/order-1', yesterday);
  await put('other/forgotten/order-1', yesterday);
  const checked: string[] = [];
  const isKnown = async (attempt: string) => {
    checked.push(attempt);
    return await Promise.resolve(attempt === 'running');
  };
  const sweep = { objects: store, installation: 'dais', clock: systemClock };
  const away = async () => await Promise.reject(new Error('The cluster does not respond.'));
  await expect(sweepTasks({ ...sweep, isKnown: away })).rejects.toThrow('does not respond');
  expect(await names()).toHaveLength(7);
  expect(await sweepTasks({ ...sweep, isKnown })).toBe(2);
  expect(checked.toSorted()).toEqual(['forgotten', 'forgotten-too', 'running']);
  expect(await names()).toEqual([
    'dais/active/log/0',
    'dais/active/order-1',
    'dais/running/order-1',
    'other/forgotten/order-1',
  ]);
  expect(existsSync(join(folder, 'dais', 'forgotten'))).toBe(false);
  expect(await sweepTasks({ ...sweep, isKnown })).toBe(0);
});
