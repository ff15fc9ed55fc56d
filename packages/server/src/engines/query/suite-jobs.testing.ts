/** Suite: outputs and termination of jobs. */
import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { InlineTable, QueryJob, QueryResult, TableSource } from './contract.ts';
import {
  aggregate,
  allOf,
  ascending,
  call,
  cast,
  column,
  descending,
  filter,
  literal,
  named,
  scan,
} from './model/build.ts';
import type { Relation } from './model/query-tree.ts';
import { type Bench, expectFailure, inline } from './suite-bench.testing.ts';

export function jobTests(bench: Bench): void {
  describe('outputs of a job', () => {
    const numbers = inline({ n: 'int64', s: 'string' }, ...Array.from({ length: 5000 }, (_, n) => [n, `value ${n}`]));
    const parquet = (name: string, split: NonNullable<Extract<QueryJob['output'], { type: 'parquet' }>['split']>) => ({
      type: 'parquet' as const,
      folder: bench.folder,
      name,
      split,
    });
    const digests = async (result: QueryResult) =>
      await Promise.all(
        result.files.map(async (each) =>
          createHash('sha256')
            .update(await readFile(each.path))
            .digest('hex'),
        ),
      );

    test('limits rows and reports truncation', async () => {
      const query: Relation = { type: 'sort', from: scan('t'), by: [ascending('n')] };
      const few = await bench.engine.run({ tables: { t: numbers }, query, output: { type: 'rows', limit: 3 } });
      expect(few).toMatchObject({ truncated: true, rowCount: 3 });
      expect(few.rows.map(([n]) => n)).toEqual([0, 1, 2]);
      const all = await bench.engine.run({ tables: { t: numbers }, query, output: { type: 'rows', limit: 5000 } });
      expect(all).toMatchObject({ truncated: false, rowCount: 5000 });
      expect(all.rows[4999]).toEqual([4999, 'value 4999']);
    });
    test('stored steps and several results', async () => {
      const result = await bench.engine.run({
        tables: { t: numbers },
        prepare: [
          { name: 'even', query: filter(scan('t'), call('=', call('%', column('n'), literal(2)), literal(0))) },
          { name: 'few', query: filter(scan('even'), call('<', column('n'), literal(6))) },
        ],
        query: scan('few', ['n']),
        output: { type: 'rows', limit: 10 },
        more: [
          {
            query: { type: 'aggregate', from: scan('even'), by: [], columns: [named('n', aggregate('count'))] },
            output: { type: 'rows', limit: 1 },
          },
        ],
      });
      expect(result.rows).toEqual([[0], [2], [4]]);
      expect(result.more[0]?.rows).toEqual([[2500]]);
    });
    test('Parquet files in query order', async () => {
      const result = await bench.engine.run({
        tables: { t: numbers },
        query: scan('t'),
        output: { ...parquet('rows', { type: 'rows', rows: 2000 }), order: [descending('n')] },
      });
      expect(result.files.map(({ rows }) => rows)).toEqual([2000, 2000, 1000]);
      for (const each of result.files) expect((await stat(each.path)).size).toBe(each.bytes);
      const back = await bench.rowsOf(
        { type: 'limit', from: scan('t'), count: 2 },
        { t: { files: result.files.map((each) => ({ path: each.path, format: 'parquet' as const })) } },
      );
      expect(back.rows.map(([n]) => n)).toEqual([4999, 4998]);
    });
    test('equal rows produce equal bytes', async () => {
      const one = await bench.engine.run({
        tables: { t: numbers },
        query: scan('t'),
        output: parquet('same-a', { type: 'one' }),
      });
      const two = await bench.engine.run({
        tables: { t: numbers },
        query: scan('t'),
        output: parquet('same-b', { type: 'one' }),
      });
      expect(await digests(one)).toEqual(await digests(two));
    });
    test('content-defined files: a changed row keeps the other files unchanged', async () => {
      const of = async (name: string, rows: InlineTable['rows'], keys?: readonly string[]) =>
        await digests(
          await bench.engine.run({
            tables: { t: { ...numbers, rows } },
            query: scan('t'),
            output: parquet(name, { type: 'content', rows: 200, ...(keys && { keys }) }),
          }),
        );
      const before = await of('content-a', numbers.rows);
      const added = await of('content-b', numbers.rows.toSpliced(2500, 0, [99_999, 'new']));
      const changed = await of('content-c', numbers.rows.with(2500, [2500, 'changed']), ['n']);
      const keyed = await of('content-d', numbers.rows, ['n']);
      expect(before.length).toBeGreaterThan(8);
      expect(added.filter((each) => !before.includes(each)).length).toBeLessThanOrEqual(2);
      expect(changed.filter((each) => !keyed.includes(each))).toHaveLength(1);
    });
    test('without rows: one file with the columns', async () => {
      const result = await bench.engine.run({
        tables: { t: { ...numbers, rows: [] } },
        query: scan('t'),
        output: parquet('none', { type: 'size', bytes: 1000 }),
      });
      expect(result.files).toMatchObject([{ rows: 0 }]);
    });
    test('CSV and NDJSON', async () => {
      const first = {
        type: 'limit',
        from: { type: 'sort', from: scan('t'), by: [ascending('n')] },
        count: 2,
      } as const satisfies Relation;
      const csv = path.join(bench.folder, 'out.csv');
      await bench.engine.run({ tables: { t: numbers }, query: first, output: { type: 'csv', path: csv } });
      expect(await readFile(csv, 'utf8')).toBe('n,s\n0,value 0\n1,value 1\n');
      const ndjson = path.join(bench.folder, 'out.ndjson');
      const { files: made } = await bench.engine.run({
        tables: { t: numbers },
        query: first,
        output: { type: 'ndjson', path: ndjson },
      });
      expect(await readFile(ndjson, 'utf8')).toBe('[0,"value 0"]\n[1,"value 1"]\n');
      expect(made).toMatchObject([{ rows: 2, bytes: 28 }]);
    });
    test('an Arrow stream that round-trips every value', async () => {
      const arrow = path.join(bench.folder, 'out.arrow');
      const table: InlineTable = {
        columns: [
          { name: 'id', type: 'int64' },
          { name: 'big', type: 'uint64' },
          { name: 'money', type: 'decimal(38,2)' },
          { name: 'share', type: 'float64' },
          { name: 'word', type: 'string' },
          { name: 'yes', type: 'boolean' },
          { name: 'bytes', type: 'binary' },
          { name: 'day', type: 'date' },
          { name: 'at', type: 'timestamp' },
          { name: 'list', type: 'list<int64>' },
        ],
        rows: [
          [
            '9007199254740993',
            '18446744073709551615',
            '-123456789012345678901234567890.12',
            0.1,
            'ü',
            true,
            'AP8=',
            '2026-11-01',
            '2026-11-01T10:00:00.123456Z',
            [1, null, 3],
          ],
          [null, null, null, null, '', null, null, null, null, []],
          [-1, 0, '0.01', -1.5, null, false, '', '1969-12-31', '1969-12-31T23:59:59.999999Z', null],
        ],
      };
      const { files: made } = await bench.engine.run({
        tables: { t: table },
        query: scan('t'),
        output: { type: 'arrow', path: arrow },
      });
      expect(made).toMatchObject([{ rows: 3 }]);
      const read = async (tables: Record<string, TableSource>) => (await bench.rowsOf(scan('t'), tables)).rows;
      expect(await read({ t: { files: [{ path: arrow, format: 'arrow' }] } })).toEqual(await read({ t: table }));
      await bench.engine.run({
        tables: { t: { ...table, rows: [] } },
        query: scan('t'),
        output: { type: 'arrow', path: arrow },
      });
      const none = await bench.rowsOf(scan('t'), { t: { files: [{ path: arrow, format: 'arrow' }] } });
      expect([none.rows, none.columns]).toEqual([[], table.columns]);
    });
    test('only errors', async () => {
      const result = await bench.engine.run({ tables: { t: numbers }, query: scan('t'), output: { type: 'none' } });
      expect(result).toMatchObject({ rowCount: 0, rows: [], files: [] });
      const broken = {
        type: 'project',
        from: scan('t'),
        columns: [named('x', cast(column('s'), 'int64'))],
      } as const satisfies Relation;
      expect(
        (await expectFailure(bench.engine.run({ tables: { t: numbers }, query: broken, output: { type: 'none' } })))
          .code,
      ).toBe('data_invalid');
    });
    test('rejects two columns with the same name', async () => {
      const twice: Relation = {
        type: 'project',
        from: scan('t'),
        columns: [named('a', literal(1)), named('A', literal(2))],
      };
      expect((await expectFailure(bench.rowsOf(twice, { t: numbers }))).code).toBe('query_invalid');
    });
  });

  describe('inspects without running', () => {
    test('the columns of a query', async () => {
      const query = filter(scan('t'), allOf(call('>', column('n'), literal(1))));
      expect(
        await bench.engine.check(query, {
          t: [
            { name: 'n', type: 'int64' },
            { name: 'l', type: 'list<string>' },
          ],
        }),
      ).toEqual([
        { name: 'n', type: 'int64' },
        { name: 'l', type: 'list<string>' },
      ]);
      const sql: Relation = { type: 'sql', dialect: 'duckdb', sql: 'SELECT m FROM v', views: { v: scan('t') } };
      const failure = await expectFailure(bench.engine.check(sql, { t: [{ name: 'n', type: 'int64' }] }));
      expect(failure).toMatchObject({ code: 'query_invalid', position: { line: 1, column: 8 } });
    });
    test('the columns and dialect of a file', async () => {
      const described = await bench.engine.describe({
        files: [await bench.file(gzipSync('id;;when\n1;x;2026-01-01\n'), { name: 'a.csv.gz' })],
      });
      expect(described.columns).toEqual([
        { name: 'id', type: 'int64' },
        { name: 'column_2', type: 'string' },
        { name: 'when', type: 'date' },
      ]);
      expect(described.files[0]).toMatchObject({
        compression: 'gzip',
        encoding: 'utf-8',
        csv: { delimiter: ';', header: true },
      });
      expect(described.notes[0]).toContain('column_2');
    });
  });

  describe('stops', () => {
    const endless = (name: string): Relation => ({
      type: 'join',
      kind: 'cross',
      left: scan(name),
      right: { type: 'join', kind: 'cross', left: scan(name), right: scan(name), take: [{ column: 'n', as: 'b' }] },
      take: [{ column: 'b', as: 'c' }],
    });
    const work = (limits: QueryJob['limits'] = {}): QueryJob => ({
      tables: { t: inline({ n: 'int64' }, ...Array.from({ length: 20_000 }, (_, n) => [n])) },
      query: {
        type: 'aggregate',
        from: endless('t'),
        by: [],
        columns: [named('x', aggregate('sum', [call('sqrt', call('+', column('n'), column('c')))]))],
      },
      output: { type: 'rows', limit: 1 },
      limits,
    });
    test('on abort, and serves the next job', async () => {
      const abort = new AbortController();
      const running = bench.engine.run(work(), {
        signal: abort.signal,
        progress: ({ phase }) => phase === 'running' && abort.abort(new Error('enough')),
      });
      await expect(running).rejects.toThrow('enough');
      expect(await bench.valueOf(literal(1))).toBe(1);
    });
    test('while it waits in the queue', async () => {
      const [first, second] = [new AbortController(), new AbortController()];
      const running = bench.engine.run(work(), { signal: first.signal });
      const waiting = bench.engine.run(work(), {
        signal: second.signal,
        progress: ({ phase }) => phase === 'waiting' && second.abort(new Error('not now')),
      });
      await expect(waiting).rejects.toThrow('not now');
      first.abort(new Error('nor this'));
      await expect(running).rejects.toThrow('nor this');
    });
    test('at its time limit', async () => {
      expect(await expectFailure(bench.engine.run(work({ wallMs: 500 })))).toMatchObject({ code: 'query_limit' });
    });
    test('at its memory and disk limits', async () => {
      const pairs: Relation = {
        type: 'join',
        kind: 'cross',
        left: scan('t'),
        right: scan('t'),
        take: [{ column: 'n', as: 'm' }],
      };
      const query: Relation = {
        type: 'aggregate',
        from: pairs,
        by: [],
        columns: [named('all', aggregate('list', [column('m')]))],
      };
      const limits = { memoryBytes: 100 * 1024 * 1024, tempBytes: 10 * 1024 * 1024 };
      const failure = await expectFailure(bench.engine.run({ ...work(limits), query, output: { type: 'none' } }));
      expect(failure.code).toBe('query_limit');
      expect(await bench.valueOf(literal(2))).toBe(2);
    });
    test('when stored steps exceed the disk limit', async () => {
      const numbered = inline({ n: 'int64' }, ...Array.from({ length: 4000 }, (_, n) => [n]));
      const pairs: Relation = {
        type: 'project',
        from: { type: 'join', kind: 'cross', left: scan('t'), right: scan('t'), take: [{ column: 'n', as: 'm' }] },
        columns: [
          named('x', call('sha256', cast(call('+', call('*', column('n'), literal(4000)), column('m')), 'string'))),
        ],
      };
      const failure = await expectFailure(
        bench.engine.run({
          tables: { t: numbered },
          prepare: [{ name: 'kept', query: pairs }],
          query: scan('kept'),
          output: { type: 'rows', limit: 1 },
          limits: { tempBytes: 50 * 1024 * 1024 },
        }),
      );
      expect(failure.code).toBe('query_limit');
      expect(failure.message).toContain('query.tempMb');
    });
    test('and leaves no files of a job that failed', async () => {
      const failing: Relation = {
        type: 'project',
        from: scan('t'),
        columns: [named('x', cast(call('concat', literal('x'), column('n')), 'int64'))],
      };
      await expectFailure(
        bench.engine.run({
          ...work(),
          query: scan('t'),
          output: { type: 'parquet', folder: bench.folder, name: 'broken' },
          more: [{ query: failing, output: { type: 'none' } }],
        }),
      );
      await expect(stat(path.join(bench.folder, 'broken-00000.parquet'))).rejects.toThrow('ENOENT');
    });
  });
}
