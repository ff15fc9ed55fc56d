/** Suite: point-in-time join, with reference vectors. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ascending, scan } from './model/build.ts';
import type { AsofRelation, Relation, SortRelation } from './model/query-tree.ts';
import { type Bench, inline } from './suite-bench.testing.ts';

export function momentTests(bench: Bench): void {
  describe('a point-in-time join', () => {
    const time = (text: string) => `${text}T00:00:00Z`;
    const entities = inline(
      { k: 'int64', t: 'timestamp' },
      [1, time('2024-01-01')],
      [1, time('2024-01-02')],
      [2, time('2024-01-01')],
      [3, time('2024-01-03')],
    );
    const features = inline(
      { k: 'int64', ts: 'timestamp', made: 'timestamp', v: 'int64' },
      [1, time('2023-12-31'), time('2023-12-31'), 11],
      [1, time('2024-01-02'), time('2024-01-02'), 22],
      [1, time('2024-01-03'), time('2024-01-03'), 33],
      [2, time('2023-01-03'), time('2023-01-03'), 22],
      [3, time('2024-01-01'), time('2024-01-03'), 10],
      [3, time('2024-01-01'), time('2024-01-02'), 20],
    );
    const DAY = 86_400_000_000;
    const join = (more: Partial<AsofRelation>): SortRelation & { readonly from: AsofRelation } => ({
      type: 'sort',
      from: {
        type: 'asof',
        left: scan('e'),
        right: scan('f'),
        keys: [{ left: 'k', right: 'k' }],
        time: { left: 't', right: 'ts' },
        tieBreak: 'made',
        take: [{ column: 'v', as: 'value' }],
        ...more,
      },
      by: [ascending('k'), ascending('t')],
    });
    const values = async (more: Partial<AsofRelation>, e = entities, f = features) =>
      (await bench.rowsOf(join(more), { e, f })).rows.map((row) => row[2]);

    test.each([
      ['10 days', { ttlUs: 10 * DAY }, [11, 22, null, 10]],
      ['no limit', {}, [11, 22, 22, 10]],
      ['one day, inclusive', { ttlUs: DAY }, [11, 22, null, null]],
      ['without the prefilter', { ttlUs: 10 * DAY, prefilter: false }, [11, 22, null, 10]],
      ['with a cutoff', { ttlUs: 10 * DAY, cutoff: 'made' }, [11, 22, null, 10]],
    ])('V1 with %s', async (_, more, expected) => {
      expect(await values(more)).toEqual(expected);
    });
    test('V2: the later created time wins a tie, but event time has priority; V3: no rows created later', async () => {
      const e = inline({ k: 'int64', t: 'timestamp' }, [1001, time('2024-01-03')], [1002, time('2024-01-03')]);
      const f = inline(
        { k: 'int64', ts: 'timestamp', made: 'timestamp', v: 'int64' },
        [1001, time('2024-01-01'), time('2024-01-01'), 10],
        [1001, time('2024-01-01'), time('2024-01-02'), 20],
        [1002, time('2024-01-01'), time('2024-01-02'), 30],
        [1002, time('2024-01-02'), time('2024-01-01'), 40],
      );
      expect(await values({}, e, f)).toEqual([20, 40]);
      const late = {
        ...f,
        rows: f.rows.map((row) =>
          row[3] === 20 || row[3] === 40
            ? [row[0] ?? null, time('2024-01-01'), time('2024-01-09'), row[3] ?? null]
            : row,
        ),
      };
      expect(await values({ cutoff: 'made' }, e, late)).toEqual([10, 30]);
    });
    test.each([
      ['equal', 0, 7],
      ['a microsecond before', -1, null],
      ['just within the hour', 3_600_000_000, 7],
      ['a microsecond beyond', 3_600_000_001, null],
    ])('V5: %s', async (_, offset, expected) => {
      const t = new Date(Date.UTC(2024, 0, 1)).getTime() * 1000;
      const at = (us: number) =>
        `${new Date(Math.floor(us / 1000)).toISOString().slice(0, -1)}${String(((us % 1000) + 1000) % 1000).padStart(3, '0')}Z`;
      const e = inline({ k: 'int64', t: 'timestamp' }, [1, at(t + offset)]);
      const f = inline({ k: 'int64', ts: 'timestamp', made: 'timestamp', v: 'int64' }, [1, at(t), at(t), 7]);
      expect(await values({ ttlUs: 3_600_000_000 }, e, f)).toEqual([expected]);
      expect(await values({ ttlUs: 3_600_000_000, cutoff: 'made' }, e, f)).toEqual([expected]);
      expect(await values({ ttlUs: 3_600_000_000, unique: true }, e, f)).toEqual([expected]);
    });
    test('V6: equal entity rows stay separate; NULL keys and times match nothing', async () => {
      const e = inline(
        { k: 'int64', t: 'timestamp' },
        [1, time('2024-01-02')],
        [1, time('2024-01-02')],
        [null, time('2024-01-02')],
        [1, null],
      );
      expect((await values({}, e)).toSorted(byText)).toEqual([22, 22, null, null]);
      expect((await values({ cutoff: 'made' }, e)).toSorted(byText)).toEqual([22, 22, null, null]);
    });
    test('nested joins: same rows, other keys, and a time from the inner join', async () => {
      const e = inline(
        { k: 'int64', other: 'string', t: 'timestamp' },
        [1, 'a', time('2024-01-10')],
        [2, 'b', time('2024-01-10')],
        [2, 'a', time('2024-01-02')],
      );
      const f = inline(
        { k: 'int64', ts: 'timestamp', v: 'int64' },
        [1, time('2024-01-01'), 1],
        [1, time('2024-01-09'), 2],
        [2, time('2024-01-03'), 3],
        [2, time('2024-01-11'), 4],
      );
      const g = inline(
        { other: 'string', ts: 'timestamp', w: 'int64' },
        ['a', time('2024-01-01'), 10],
        ['a', time('2024-01-08'), 20],
        ['b', time('2024-01-11'), 30],
        ['c', time('2024-01-01'), 40],
      );
      const base = { type: 'asof', unique: true } as const;
      const first: AsofRelation = {
        ...base,
        left: scan('e'),
        right: scan('f'),
        keys: [{ left: 'k', right: 'k' }],
        time: { left: 't', right: 'ts' },
        ttlUs: 8 * DAY,
        take: [
          { column: 'v', as: 'v' },
          { column: 'ts', as: 'found' },
        ],
      };
      const byOther = (of: string, as: string, left: AsofRelation): AsofRelation => ({
        ...base,
        left,
        right: scan('g'),
        keys: [{ left: 'other', right: 'other' }],
        time: { left: of, right: 'ts' },
        take: [{ column: 'w', as }],
      });
      const query: Relation = {
        type: 'sort',
        from: byOther('found', 'then', byOther('t', 'now', first)),
        by: [ascending('k'), ascending('t')],
      };
      const { rows } = await bench.rowsOf(query, { e, f, g });
      // k, other, t, v, found, now, then
      expect(rows.map((row) => [...row.slice(0, 2), row[3], ...row.slice(5)])).toEqual([
        [1, 'a', 2, 20, 20],
        [2, 'a', null, 10, null],
        [2, 'b', 3, null, null],
      ]);
    });
    test('of unique rows: the same rows for few and for many entity rows per key', async () => {
      const at = (n: number) => time(`2024-01-${String(n + 1).padStart(2, '0')}`);
      const few = { maxLength: 12, minLength: 1 };
      const keys = fc.option(fc.nat(3));
      const request = fc.array(fc.tuple(keys, fc.constantFrom('x', 'y'), fc.option(fc.nat(9))), few);
      const known = fc.uniqueArray(fc.tuple(keys, fc.constantFrom('x', 'y'), fc.nat(9), fc.option(fc.nat(100))), {
        selector: ([k, other, ts]) => `${k} ${other} ${ts}`,
        maxLength: 40,
      });
      await fc.assert(
        fc.asyncProperty(request, known, fc.nat(4), async (entityRows, rows, ttlDays) => {
          const e = inline(
            { n: 'int64', k: 'int64', other: 'string', t: 'timestamp' },
            ...entityRows.map(([k, other, t], n) => [n, k, other, t === null ? null : at(t)]),
          );
          const f = inline(
            { k: 'int64', other: 'string', ts: 'timestamp', v: 'int64' },
            ...rows.map(([k, other, ts, v]) => [k, other, at(ts), v]),
          );
          const { tieBreak: _, ...base } = join({ unique: true, ttlUs: ttlDays * DAY }).from;
          const byKey: AsofRelation = { ...base, take: [{ column: 'v', as: 'of key' }], unique: false };
          const pair = [
            { left: 'k', right: 'k' },
            { left: 'other', right: 'other' },
          ];
          const take = [
            { column: 'v', as: 'value' },
            { column: 'ts', as: 'found' },
          ];
          const query: Relation = {
            type: 'sort',
            from: { ...base, left: byKey, keys: pair, take },
            by: [ascending('n')],
          };
          const result = await bench.rowsOf(query, { e, f });
          const newest = ([k, other, t]: (typeof entityRows)[number]) =>
            rows
              .filter(
                (row) =>
                  k !== null &&
                  t !== null &&
                  row[0] === k &&
                  row[1] === other &&
                  row[2] <= t &&
                  (ttlDays === 0 || row[2] >= t - ttlDays),
              )
              .toSorted((one, next) => next[2] - one[2])[0];
          expect(result.rows.map((row) => row.at(-2))).toEqual(entityRows.map((row) => newest(row)?.[3] ?? null));
          const isFound = (row: (typeof entityRows)[number]) => newest(row) !== undefined;
          expect(result.rows.map((row) => row.at(-1) !== null)).toEqual(entityRows.map(isFound));
        }),
        { numRuns: 40 },
      );
    }, 120_000);
    test('without keys: one row for all; a NULL created loses a tie', async () => {
      const f = inline(
        { ts: 'timestamp', made: 'timestamp', v: 'int64' },
        [time('2024-01-01'), null, 1],
        [time('2024-01-01'), time('2023-01-01'), 2],
      );
      const e = inline({ k: 'int64', t: 'timestamp' }, [1, time('2024-01-01')], [2, time('2023-12-31')]);
      expect(await values({ keys: [] }, e, f)).toEqual([2, null]);
    });
  });
}

function byText(a: unknown, b: unknown): number {
  return JSON.stringify(a).localeCompare(JSON.stringify(b));
}
