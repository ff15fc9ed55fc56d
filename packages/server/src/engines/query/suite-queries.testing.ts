/** Suite: types, expressions and relations. */
import { aggregate, ascending, call, cast, column, descending, literal, named, scan, when } from './model/build.ts';
import type { Expression, LiteralValue, Relation } from './model/query-tree.ts';
import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { ColumnType } from './model/column-type.ts';
import { type Bench, expectFailure, inline } from './suite-bench.testing.ts';

export function queryTests(bench: Bench): void {
  describe('types', () => {
    const columns: Readonly<Record<string, ColumnType>> = {
      b: 'boolean',
      i8: 'int8',
      i16: 'int16',
      i32: 'int32',
      i64: 'int64',
      u8: 'uint8',
      u16: 'uint16',
      u32: 'uint32',
      u64: 'uint64',
      f32: 'float32',
      f64: 'float64',
      s: 'string',
      bin: 'binary',
      d: 'date',
      t: 'time',
      ts: 'timestamp',
      dec: 'decimal(10,2)',
      l: 'list<int64>',
      st: 'struct<a:int64,b:string>',
      m: 'map<string,float64>',
    };
    test('round-trip through Parquet', async () => {
      const table = inline(
        Object.fromEntries(Object.entries(columns).filter(([, type]) => !/^(?:struct|map)/.test(type))),
        [
          true,
          -128,
          -32_768,
          -1,
          '-9223372036854775808',
          255,
          65_535,
          4_294_967_295,
          '18446744073709551615',
          0.5,
          'NaN',
          'ö',
          'eHk=',
          '2026-11-26',
          '23:59:59.999999',
          '2026-11-26T21:00:00.000001Z',
          '-12345678.90',
          [1, null, 3],
        ],
        Array.from({ length: 18 }, () => null),
      );
      const written = await bench.engine.run({
        tables: { t: table },
        query: scan('t'),
        output: { type: 'parquet', folder: bench.folder, name: 'types', metadata: { made: 'by us' } },
      });
      expect(written.columns).toEqual(table.columns);
      expect(written.files).toMatchObject([{ rows: 2 }]);
      const back = await bench.rowsOf(scan('t'), {
        t: { files: written.files.map((each) => ({ path: each.path, format: 'parquet' as const })) },
      });
      expect(back.columns).toEqual(table.columns);
      expect(back.rows).toEqual([
        [
          true,
          -128,
          -32_768,
          -1,
          '-9223372036854775808',
          255,
          65_535,
          4_294_967_295,
          '18446744073709551615',
          0.5,
          'NaN',
          'ö',
          'eHk=',
          '2026-11-26',
          '23:59:59.999999',
          '2026-11-26T21:00:00.000001Z',
          '-12345678.90',
          [1, null, 3],
        ],
        Array.from({ length: 18 }, () => null),
      ]);
    });
    test('structs and maps are cells', async () => {
      const { rows, columns: made } = await bench.rowsOfFile('{"st":{"a":1,"b":"x"},"l":[{"c":1.5}]}\n', {
        format: 'ndjson',
      });
      expect(made).toEqual([
        { name: 'st', type: 'struct<a:int64,b:string>' },
        { name: 'l', type: 'list<struct<c:float64>>' },
      ]);
      expect(rows).toEqual([[{ a: 1, b: 'x' }, [{ c: 1.5 }]]]);
    });
  });

  describe('expressions', () => {
    test('return their defined values', async () => {
      const table: readonly (readonly [string, Expression, unknown])[] = [
        ['a division by zero', call('/', literal(1), literal(0)), null],
        ['a division of integers', call('/', literal(1), literal(4)), 0.25],
        ['three-valued logic', call('or', literal(true), literal(null, 'boolean')), true],
        ['NULL as a value', call('same', literal(null, 'int64'), literal(null, 'int64')), true],
        ['a case without a branch', when(literal(false), literal(1)), null],
        ['a lenient cast', cast(literal('x'), 'int64', { lenient: true }), null],
        ['none of nothing', { type: 'in', value: literal(1), options: [] }, false],
        ['one of some', { type: 'in', value: literal(1), options: [literal(2), literal(1)] }, true],
        ['a pattern', call('matches', literal('abc'), literal('^a.c$')), true],
        ['an extraction', call('extract', literal('a@b.de'), literal('@(.*)$'), literal(1)), 'b.de'],
        ['an extraction of nothing', call('extract', literal('x'), literal('@(.*)$'), literal(1)), null],
        ['a replacement', call('replace-matches', literal('a1b22'), literal('[0-9]+'), literal('#')), 'a#b#'],
        ['text with a quote', call('concat', literal("it's"), literal(null), literal('"')), 'it\'s"'],
        ['a part of a time', call('date-part', literal('year'), literal('2026-11-26T00:00:00Z', 'timestamp')), 2026],
        [
          'a start of a month',
          call('date-trunc', literal('month'), literal('2026-11-26T10:00:00Z', 'timestamp')),
          '2026-11-01T00:00:00.000000Z',
        ],
        ['microseconds', call('epoch-us', literal('1970-01-01T00:00:00.000007Z', 'timestamp')), 7],
        ['from microseconds', call('from-epoch-us', literal(7)), '1970-01-01T00:00:00.000007Z'],
        [
          'a difference',
          call('diff-us', literal('1970-01-01T00:00:01Z', 'timestamp'), literal('1970-01-01T00:00:00Z', 'timestamp')),
          1_000_000,
        ],
        ['a digest', call('sha256', literal('a')), createHash('sha256').update('a').digest('hex')],
        ['a bucket', call('bucket', literal(17), literal(5)), 15],
        ['an element', call('element', literal([5, 6]), literal(2)), 6],
        ['big integers', literal('9223372036854775807', 'int64'), '9223372036854775807'],
      ];
      const { rows } = await bench.rowsOf(
        { type: 'project', from: scan('one'), columns: table.map(([as, expression]) => named(as, expression)) },
        { one: inline({ x: 'int64' }, [1]) },
      );
      const given = table.map(([as], n) => [as, rows[0]?.[n]]);
      expect(given).toEqual(table.map(([as, , expected]) => [as, expected]));
    });
    test('an unknown function, or wrong arguments', async () => {
      expect((await expectFailure(bench.valueOf(call('nothing' as 'abs', literal(1))))).code).toBe('query_invalid');
      expect((await expectFailure(bench.valueOf(call('abs')))).message).toContain('accepts 1');
    });
    test('names and values are never interpreted as SQL', async () => {
      const odd = `a"b'; DROP TABLE t; --`;
      const { columns, rows } = await bench.rowsOf(
        { type: 'project', from: scan(odd), columns: [named(odd, column(odd)), named('v', literal(odd))] },
        { [odd]: inline({ [odd]: 'string' }, [odd]) },
      );
      expect(columns.map((each) => each.name)).toEqual([odd, 'v']);
      expect(rows).toEqual([[odd, odd]]);
    });
  });

  describe('relations', () => {
    const sales = inline(
      { shop: 'string', item: 'string', price: 'float64' },
      ['a', 'x', 1],
      ['a', 'y', 2],
      ['b', 'x', 4],
      [null, 'z', null],
      ['b', 'x', 'NaN'],
    );
    test('aggregates', async () => {
      const { rows } = await bench.rowsOf(
        {
          type: 'aggregate',
          from: scan('t'),
          by: [],
          columns: [
            named('n', aggregate('count')),
            named('v', aggregate('count', [column('price')])),
            named('d', aggregate('count-distinct', [column('shop')])),
            named('p', aggregate('count-distinct', [column('shop'), column('item')])),
            named('s', aggregate('sum', [column('price')], { where: call('not', call('is-nan', column('price'))) })),
            named('h', aggregate('histogram', [column('price')], { parameters: [1, 2, 3] })),
            named(
              'q',
              aggregate('quantiles', [column('price')], {
                parameters: [0, 0.5],
                where: call('<', column('price'), literal(100)),
              }),
            ),
            named('l', aggregate('list', [column('item')], { order: [ascending('item')], parameters: [2] })),
            named(
              'a',
              aggregate('arg-max', [column('item'), column('price')], { where: call('is-finite', column('price')) }),
            ),
          ],
        },
        { t: sales },
      );
      expect(rows).toEqual([[5, 4, 2, 3, 7, [1, 1, 0, 1], [1, 2], ['x', 'x'], 'x']]);
    });
    test('groups with a having condition', async () => {
      const grouped: Relation = {
        type: 'aggregate',
        from: scan('t'),
        by: [named('shop', column('shop'))],
        columns: [named('n', aggregate('count'))],
        having: call('>', column('n'), literal(1)),
      };
      const { rows } = await bench.rowsOf({ type: 'sort', from: grouped, by: [descending('shop')] }, { t: sales });
      expect(rows).toEqual([
        ['b', 2],
        ['a', 2],
      ]);
    });
    test('the order-independent digest of rows', async () => {
      const digest: Relation = {
        type: 'aggregate',
        from: scan('t'),
        by: [],
        columns: [named('h', aggregate('bit-hash', [column('a'), column('b')]))],
      };
      const of = async (...rows: (readonly LiteralValue[])[]) =>
        (await bench.rowsOf(digest, { t: inline({ a: 'int64', b: 'string' }, ...rows) })).rows[0]?.[0];
      expect(await of([1, 'x'], [2, null])).toBe(await of([2, null], [1, 'x']));
      expect(await of([1, 'x'], [2, null])).not.toBe(await of([1, 'x'], [2, 'y']));
    });
    const left = inline({ k: 'int64', l: 'string' }, [1, 'a'], [2, 'b'], [null, 'c'], [1, 'd']);
    const right = inline({ k: 'int64', r: 'string' }, [1, 'x'], [3, 'y'], [null, 'z']);
    test.each([
      ['inner', 2],
      ['left', 4],
      ['full', 6],
      ['semi', 2],
      ['anti', 2],
    ] as const)('a join: %s', async (kind, count) => {
      const { rows } = await bench.rowsOf(
        { type: 'join', kind, left: scan('l'), right: scan('r'), keys: [{ left: 'k', right: 'k' }] },
        { l: left, r: right },
      );
      expect(rows).toHaveLength(count);
    });
    test('a join with matching NULLs, a condition and selected columns', async () => {
      const { rows, columns } = await bench.rowsOf(
        {
          type: 'join',
          kind: 'inner',
          left: scan('l'),
          right: scan('r'),
          keys: [{ left: 'k', right: 'k' }],
          nullsMeet: true,
          on: call('!=', column('l', 'left'), literal('d')),
          take: [{ column: 'r', as: 'other' }],
        },
        { l: left, r: right },
      );
      expect(columns.map((each) => each.name)).toEqual(['k', 'l', 'other']);
      expect(rows).toHaveLength(2);
    });
    test('the latest row of each key, including NULL', async () => {
      const latest: Relation = { type: 'latest', from: scan('l'), by: ['k'], order: [descending('l')] };
      const { rows } = await bench.rowsOf({ type: 'sort', from: latest, by: [ascending('l')] }, { l: left });
      expect(rows).toEqual([
        [2, 'b'],
        [null, 'c'],
        [1, 'd'],
      ]);
    });
    test('the latest row of all, sorted by no key', async () => {
      const latest: Relation = { type: 'latest', from: scan('l'), by: [], order: [descending('l')] };
      const { rows } = await bench.rowsOf({ type: 'sort', from: latest, by: [] }, { l: left });
      expect(rows).toEqual([[1, 'd']]);
      const unordered: Relation = { type: 'latest', from: scan('l'), by: ['k'], order: [] };
      await expect(bench.rowsOf(unordered, { l: left })).rejects.toThrow(/needs at least one sort key/);
    });
    test('windows', async () => {
      const { rows } = await bench.rowsOf(
        {
          type: 'project',
          from: scan('l'),
          keep: 'all',
          columns: [
            named('n', { type: 'window', function: 'row-number', by: [column('k')], order: [ascending('l')] }),
            named('c', { type: 'window', function: aggregate('count'), by: [column('k')], order: [] }),
            named('before', {
              type: 'window',
              function: 'lag',
              arguments: [column('l')],
              by: [],
              order: [ascending('l')],
            }),
          ],
        },
        { l: left },
      );
      expect(rows.toSorted((a, b) => (a[1] as string).localeCompare(b[1] as string))).toEqual([
        [1, 'a', 1, 2, null],
        [2, 'b', 1, 1, 'a'],
        [null, 'c', 1, 1, 'b'],
        [1, 'd', 2, 2, 'c'],
      ]);
    });
    test('a projection that keeps, replaces and omits columns', async () => {
      const { rows, columns } = await bench.rowsOf(
        {
          type: 'project',
          from: scan('l'),
          keep: 'all',
          without: ['k'],
          columns: [{ as: 'l', expression: literal('masked'), replaces: true }, named('n', literal(1))],
        },
        { l: left },
      );
      expect(columns.map((each) => each.name)).toEqual(['l', 'n']);
      expect(rows[0]).toEqual(['masked', 1]);
    });
    test('rejects a projection that would keep the old column', async () => {
      const failure = await expectFailure(
        bench.rowsOf(
          { type: 'project', from: scan('l'), keep: 'all', columns: [named('L', literal('masked'))] },
          { l: left },
        ),
      );
      expect(failure).toMatchObject({ code: 'query_invalid' });
    });
    test('a union, distinct rows, values, a limit with an offset, and unnested lists', async () => {
      const values: Relation = {
        type: 'values',
        columns: [
          { name: 'k', type: 'int64' },
          { name: 'tags', type: 'list<string>' },
        ],
        rows: [
          [1, ['p', 'q']],
          [1, []],
          ['2', null],
        ],
      };
      const union: Relation = {
        type: 'union',
        of: [values, { ...values, columns: [{ name: 'k', type: 'int64' }], rows: [[9]] }],
      };
      expect((await bench.rowsOf(union, {})).rows).toHaveLength(4);
      expect((await bench.rowsOf({ type: 'unnest', from: values, column: 'tags' }, {})).rows).toEqual([
        [1, 'p'],
        [1, 'q'],
      ]);
      const keys: Relation = {
        type: 'distinct',
        from: { type: 'project', from: union, columns: [named('k', column('k'))] },
      };
      expect(
        (
          await bench.rowsOf(
            { type: 'limit', from: { type: 'sort', from: keys, by: [ascending('k')] }, count: 1, offset: 1 },
            {},
          )
        ).rows,
      ).toEqual([[2]]);
    });
    test('a sample is the same for the same seed', async () => {
      const numbers = inline({ n: 'int64' }, ...Array.from({ length: 1000 }, (_, n) => [n]));
      const of = async (seed: number) =>
        (await bench.rowsOf({ type: 'sample', from: scan('t'), size: { rows: 50 }, seed }, { t: numbers })).rows;
      const drawn = await of(1);
      expect(drawn).toHaveLength(50);
      expect(await of(1)).toEqual(drawn);
      expect(await of(2)).not.toEqual(drawn);
      const share = await bench.rowsOf(
        { type: 'sample', from: scan('t'), size: { share: 0.5 }, seed: 1 },
        { t: numbers },
      );
      expect(share.rowCount).toBeGreaterThan(400);
      expect(share.rowCount).toBeLessThan(600);
    });
    test('an unknown table', async () => {
      expect((await expectFailure(bench.rowsOf(scan('other'), { t: sales }))).message).toContain('`t`');
    });
  });
}
