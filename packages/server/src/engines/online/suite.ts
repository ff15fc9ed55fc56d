/** Tests that every online store must pass. */
import { randomUUID } from 'node:crypto';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OnlineRow, OnlineStore, OnlineView } from './contract.ts';
import { counts } from './newest-rows.ts';

export interface OnlineStoreSubject {
  readonly store: OnlineStore;
  /** The store of another process with the same rows. */
  readonly other: OnlineStore;
  /** Id of a writable project. */
  readonly project: string;
  end(): Promise<void>;
}

const row = (key: string, eventTime: number, value: string, createdTime = 0): OnlineRow => ({
  key: Buffer.from(key),
  eventTime,
  createdTime,
  value: Buffer.from(value),
});
const values = (rows: readonly (OnlineRow | undefined)[] | undefined) => rows?.map((one) => one?.value.toString());

export function onlineStoreSuite(name: string, open: () => Promise<OnlineStoreSubject>): void {
  describe(`online engine: ${name}`, () => {
    let subject: OnlineStoreSubject;
    let store: OnlineStore;
    const fresh = (): OnlineView => ({ project: subject.project, view: randomUUID() });
    const keys = (...names: string[]) => names.map((one) => Buffer.from(one));
    beforeAll(async () => {
      subject = await open();
      store = subject.store;
    });
    afterAll(async () => await subject.end());

    test('returns written rows in the requested order, and undefined for missing rows', async () => {
      const [one, two] = [fresh(), fresh()];
      expect(await store.write(one, [row('a', 1, 'A'), row('b', 2, 'B')])).toBe(2);
      expect(await store.write(two, [row('a', 3, 'other')])).toBe(1);
      const [first, second, third] = await store.read([
        { ...one, keys: keys('b', 'none', 'a', 'b') },
        { ...two, keys: keys('a') },
        { ...fresh(), keys: keys('a') },
      ]);
      expect(values(first)).toEqual(['B', undefined, 'A', 'B']);
      expect(values(second)).toEqual(['other']);
      expect(third).toEqual([undefined]);
      expect(first?.[2]).toEqual(row('a', 1, 'A'));
      expect(await store.read([])).toEqual([]);
      expect(await store.read([{ ...one, keys: [] }])).toEqual([[]]);
      expect(await store.write(one, [])).toBe(0);
    });

    test('accepts any bytes as key and value', async () => {
      const view = fresh();
      const strange = [Buffer.alloc(0), Buffer.from([0]), Buffer.from([0, 255, 10, 13]), Buffer.alloc(2048, 7)];
      const large = Buffer.alloc(2 ** 20, 9);
      await store.write(
        view,
        strange.map((key) => ({ key, eventTime: -5, createdTime: 2 ** 53 - 1, value: large })),
      );
      const [found] = await store.read([{ ...view, keys: strange }]);
      expect(found?.map((one) => one?.value.equals(large) === true && one.eventTime === -5)).toEqual([
        true,
        true,
        true,
        true,
      ]);
      expect(found?.[0]?.createdTime).toBe(2 ** 53 - 1);
    });

    test('the newer event time wins, then the newer created time, then the later write', async () => {
      const view = fresh();
      const now = async () => values((await store.read([{ ...view, keys: keys('a') }]))[0])?.[0];
      expect(await store.write(view, [row('a', 10, 'first', 5)])).toBe(1);
      expect(await store.write(view, [row('a', 9, 'older', 9)])).toBe(0);
      expect(await store.write(view, [row('a', 10, 'earlier', 4)])).toBe(0);
      expect(await now()).toBe('first');
      expect(await store.write(view, [row('a', 10, 'again', 5)])).toBe(1);
      expect(await now()).toBe('again');
      expect(await store.write(view, [row('a', 10, 'later', 6)])).toBe(1);
      expect(await store.write(view, [row('a', 11, 'newest', 0), row('a', 10, 'no', 99)])).toBe(1);
      expect(await now()).toBe('newest');
      // The same row again is not a change.
      expect(await store.write(view, [row('a', 11, 'newest', 0)])).toBe(0);
    });

    test('the same row wins for any order and any batches', async () => {
      const rows = fc.array(
        fc.record({ key: fc.constantFrom('a', 'b', 'c'), eventTime: fc.nat(4), createdTime: fc.nat(2) }),
        { maxLength: 30 },
      );
      await fc.assert(
        fc.asyncProperty(rows, fc.integer({ min: 1, max: 9 }), async (given, size) => {
          const view = fresh();
          const all = given.map(({ key, eventTime, createdTime }, at) => row(key, eventTime, `${at}`, createdTime));
          const model = new Map<string, OnlineRow>();
          for (const one of all) {
            const there = model.get(one.key.toString());
            if (there === undefined || counts(one, there)) model.set(one.key.toString(), one);
          }
          for (let at = 0; at < all.length; at += size) await store.write(view, all.slice(at, at + size));
          const [found] = await store.read([{ ...view, keys: keys('a', 'b', 'c') }]);
          expect(values(found)).toEqual(['a', 'b', 'c'].map((key) => model.get(key)?.value.toString()));
        }),
        { numRuns: 25 },
      );
    });

    test('concurrent writers never lose the newest row', async () => {
      const view = fresh();
      const names = Array.from({ length: 50 }, (_, at) => `k${at}`);
      await Promise.all(
        [3, 1, 4, 2, 5, 0].map(async (time) => {
          const written = names.map((key) => row(key, time, `${time}`));
          await (time % 2 === 0 ? store : subject.other).write(view, time % 3 === 0 ? written.toReversed() : written);
        }),
      );
      for (const reader of [store, subject.other]) {
        const [found] = await reader.read([{ ...view, keys: keys(...names) }]);
        expect(new Set(values(found))).toEqual(new Set(['5']));
      }
    });

    test('reads the writes of another process', async () => {
      const view = fresh();
      const now = async () => values((await store.read([{ ...view, keys: keys('a') }]))[0])?.[0];
      await subject.other.write(view, [row('a', 1, 'one')]);
      await expect.poll(now).toBe('one');
      await subject.other.write(view, [row('a', 2, 'two')]);
      await expect.poll(now).toBe('two');
      await subject.other.drop(view);
      await expect.poll(now).toBeUndefined();
    });

    test('returns keys in pages, each once, and counts them', async () => {
      const view = fresh();
      const names = Array.from({ length: 25 }, (_, at) => `k${at}`);
      await store.write(
        view,
        names.map((key) => row(key, 1, key)),
      );
      const seen: string[] = [];
      let after: Buffer | undefined;
      for (;;) {
        const page = await store.keys(view, after, 10);
        seen.push(...page.map(String));
        after = page.at(-1);
        if (page.length < 10) break;
      }
      expect(seen.toSorted()).toEqual(names.toSorted());
      expect(await store.count(view)).toBe(25);
      await store.drop(view);
      await store.drop(view);
      expect(await store.count(view)).toBe(0);
      expect(await store.keys(view, undefined, 10)).toEqual([]);
    });
  });
}
