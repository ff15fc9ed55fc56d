/** The tests of every implementation of `NamedObjects`. */
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BlobStore, NamedObjects } from './contract.ts';
import { locators } from './suite.ts';

/** A store of content in the same bucket neither lists nor removes a named object. */
export async function expectUnseen(blobs: BlobStore, objects: NamedObjects, name: string): Promise<void> {
  const { locator } = await blobs.put(Readable.from([Buffer.from('content')]));
  expect(await locators(blobs)).toEqual([locator]);
  expect(await blobs.sweep(-60_000)).toBe(0);
  await blobs.delete(locator);
  expect((await objects.get(name)).length).toBeGreaterThan(0);
  const found: string[] = [];
  for await (const object of objects.list('')) found.push(object.name);
  expect(found).toEqual([name]);
}

export function namedObjectsSuite(
  name: string,
  open: () => Promise<{ readonly objects: NamedObjects; readonly end: () => Promise<void> }>,
): void {
  describe(`named objects: ${name}`, () => {
    let opened: Awaited<ReturnType<typeof open>>;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(async () => await opened.end());

    const names = async (prefix: string) => {
      const found: string[] = [];
      for await (const object of opened.objects.list(prefix)) found.push(object.name);
      return found;
    };

    test('stores, replaces, lists and deletes objects', async () => {
      const { objects } = opened;
      expect(await names('')).toEqual([]);
      await objects.put('one/wal/b.gz', Buffer.from('first'));
      await objects.put('one/wal/b.gz', Buffer.from('second'));
      await objects.put('one/wal/a.gz', Buffer.alloc(100_000, 7));
      await objects.put('two/base/x/part-1', Buffer.from(''));
      expect((await objects.get('one/wal/b.gz')).toString()).toBe('second');
      expect(await objects.get('one/wal/a.gz')).toEqual(Buffer.alloc(100_000, 7));
      expect(await names('one/')).toEqual(['one/wal/a.gz', 'one/wal/b.gz']);
      expect(await names('')).toEqual(['one/wal/a.gz', 'one/wal/b.gz', 'two/base/x/part-1']);
      for await (const object of objects.list('one/wal/')) {
        expect(object.size).toBe(object.name.endsWith('a.gz') ? 100_000 : 6);
        expect(Math.abs(object.modifiedAt.getTime() - Date.now())).toBeLessThan(3_600_000);
      }
      await objects.delete('one/wal/a.gz');
      await objects.delete('one/wal/a.gz');
      expect(await names('one/')).toEqual(['one/wal/b.gz']);
      await expect(objects.get('one/wal/a.gz')).rejects.toMatchObject({ code: 'content_missing' });
      await objects.delete('one/wal/b.gz');
      await objects.delete('two/base/x/part-1');
      expect(await names('')).toEqual([]);
    });

    test('lists in the order of whole names, more than a page of them', async () => {
      const { objects } = opened;
      const expected = [
        'a-b/x',
        'a.b/x',
        'a/b-1',
        'a/b/x',
        'a0/x',
        ...Array.from({ length: 1010 }, (_, at) => `many/${String(at).padStart(4, '0')}`),
      ];
      const waiting = expected.toReversed().values();
      const work = async () => {
        for (const name of waiting) await objects.put(name, Buffer.from(name));
      };
      await Promise.all(Array.from({ length: 16 }, work));
      expect(await names('')).toEqual(expected);
      expect(await names('a/')).toEqual(['a/b-1', 'a/b/x']);
      expect(await names('absent/')).toEqual([]);
      const found = expected.values();
      await Promise.all(
        Array.from({ length: 16 }, async () => {
          for (const name of found) await objects.delete(name);
        }),
      );
    });

    test('puts and deletions of one folder at the same time', async () => {
      const { objects } = opened;
      const rounds = async (name: string) => {
        for (let round = 0; round < 30; round += 1) {
          await objects.put(name, Buffer.from(String(round)));
          expect((await objects.get(name)).toString()).toBe(String(round));
          await objects.delete(name);
        }
      };
      await Promise.all(['x/y/1', 'x/y/2', 'x/z/3', 'x/4'].map(rounds));
      expect(await names('')).toEqual([]);
      expect(await objects.sweep?.(-1000)).toBeOneOf([undefined, 0]);
    });

    test('refuses names that point elsewhere', async () => {
      for (const bad of ['', '/a', 'a/', 'a//b', '../a', 'a/../b', 'a/.b', 'a b', 'a\\b']) {
        await expect(opened.objects.put(bad, Buffer.from('x'))).rejects.toThrow(RangeError);
        await expect(opened.objects.get(bad)).rejects.toThrow(RangeError);
      }
    });
  });
}
