/** The tests of every implementation of `NamedObjects`. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { NamedObjects } from './contract.ts';

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
    });

    test('refuses names that point elsewhere', async () => {
      for (const bad of ['', '/a', 'a/', 'a//b', '../a', 'a/../b', 'a/.b', 'a b', 'a\\b']) {
        await expect(opened.objects.put(bad, Buffer.from('x'))).rejects.toThrow(RangeError);
        await expect(opened.objects.get(bad)).rejects.toThrow(RangeError);
      }
    });
  });
}
