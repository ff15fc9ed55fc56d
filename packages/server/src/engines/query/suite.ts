/** What every query engine must do, whatever runs the queries. */
import { createHash } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import {
  Field,
  Float64,
  Int64,
  List,
  Table,
  tableToIPC,
  TimestampMicrosecond,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type {
  FileTable,
  InlineTable,
  QueryEngine,
  QueryJob,
  QueryResult,
  SourceFile,
  TableSource,
} from './contract.ts';
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
  when,
} from './model/build.ts';
import type { Column, ColumnType } from './model/column-type.ts';
import { QueryError } from './model/query-error.ts';
import type { AsofRelation, Expression, LiteralValue, Relation } from './model/query-tree.ts';

export interface QuerySubject {
  readonly engine: QueryEngine;
  /** For the files of the tests; the subject removes it. */
  readonly folder: string;
  end(): Promise<void>;
}

export async function expectFailure(work: Promise<unknown>): Promise<QueryError> {
  const error = await work.then(
    (answer) => new Error(`It was answered: ${JSON.stringify(answer)}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof QueryError)) throw error;
  return error;
}

function inline(
  columns: Readonly<Record<string, ColumnType>>,
  ...rows: readonly (readonly LiteralValue[])[]
): InlineTable {
  return { columns: Object.entries(columns).map(([name, type]) => ({ name, type })), rows };
}

/** The two people of the reading tests, by `zstd` 1.5. */
const ZSTD = 'KLUv/SQucQEAaWQsbmFtZSxzY29yZSxvawoxLEFkYSwxLjUsdHJ1ZQoyLELDtmIsLGZhbHNlCqQd2LA=';

export function querySuite(name: string, open: () => Promise<QuerySubject>): void {
  describe(`query engine: ${name}`, () => {
    let subject: QuerySubject;
    let engine: QueryEngine;
    let files = 0;
    beforeAll(async () => {
      subject = await open();
      engine = subject.engine;
    });
    afterAll(async () => await subject.end());

    async function file(content: string | Buffer, source: Partial<SourceFile> = {}): Promise<SourceFile> {
      files += 1;
      const { format = 'csv' } = source;
      const made = path.join(subject.folder, `file-${files}.${format}`);
      await writeFile(made, content);
      return { ...source, path: made, name: source.name ?? `people.${format}`, format };
    }
    async function rowsOf(
      query: Relation,
      tables: Readonly<Record<string, TableSource>>,
      more: Partial<QueryJob> = {},
    ): Promise<QueryResult> {
      return await engine.run({ tables, query, output: { type: 'rows', limit: 1000 }, ...more });
    }
    async function rowsOfFile(
      content: string | Buffer,
      source: Partial<SourceFile> = {},
      table: Partial<FileTable> = {},
    ): Promise<QueryResult> {
      return await rowsOf(scan('t'), { t: { files: [await file(content, source)], ...table } });
    }
    async function valueOf(expression: Expression): Promise<unknown> {
      const { rows } = await rowsOf(
        { type: 'project', from: scan('one'), columns: [named('v', expression)] },
        { one: inline({ x: 'int64' }, [1]) },
      );
      return rows[0]?.[0];
    }

    describe('reads', () => {
      const expected = [
        [1, 'Ada', 1.5, true],
        [2, 'Böb', null, false],
      ];
      const csv = 'id,name,score,ok\n1,Ada,1.5,true\n2,Böb,,false\n';
      const ndjson = '{"id":1,"name":"Ada","score":1.5,"ok":true}\n{"id":2,"name":"Böb","score":null,"ok":false}\n';

      test('CSV with a header', async () => {
        const { rows, columns } = await rowsOfFile(csv);
        expect(rows).toEqual(expected);
        expect(columns).toEqual([
          { name: 'id', type: 'int64' },
          { name: 'name', type: 'string' },
          { name: 'score', type: 'float64' },
          { name: 'ok', type: 'boolean' },
        ]);
      });
      test.each([
        ['semicolons', csv.replaceAll(',', ';'), {}],
        ['tabs', csv.replaceAll(',', '\t'), {}],
        ['bars', csv.replaceAll(',', '|'), {}],
        ['a byte order mark', `\uFEFF${csv}`, {}],
        ['line ends of Windows', csv.replaceAll('\n', '\r\n'), {}],
        ['no last line end', csv.trimEnd(), {}],
        ['quoted fields', 'id,name,score,ok\n"1","Ada","1.5","true"\n2,Böb,,false\n', {}],
        ['UTF-16 with its mark', Buffer.from(`\uFEFF${csv}`, 'utf16le'), {}],
        ['Latin-1 when it is said', Buffer.from(csv, 'latin1'), { encoding: 'latin-1' as const }],
        ['gzip', gzipSync(csv), {}],
        ['gzip in several members', Buffer.concat([gzipSync(csv.slice(0, 20)), gzipSync(csv.slice(20))]), {}],
        ['zstd', Buffer.from(ZSTD, 'base64'), {}],
        ['another NULL', csv.replace(',,', ',NA,'), { csv: { nulls: ['NA', ''] } }],
        ['lines before the header', `made by us\n\n${csv}`, { csv: { skip: 2 } }],
      ])('CSV with %s', async (_, content, source) => {
        expect((await rowsOfFile(content as string | Buffer, source)).rows).toEqual(expected);
      });
      test('CSV without a header', async () => {
        const { columns, rows } = await rowsOfFile('1,a\n2,b\n', { csv: { header: false } });
        expect(columns.map((each) => each.name)).toEqual(['column_1', 'column_2']);
        expect(rows).toHaveLength(2);
      });
      test('NDJSON and JSON', async () => {
        expect((await rowsOfFile(ndjson, { format: 'ndjson' })).rows).toEqual(expected);
        expect((await rowsOfFile(`[${ndjson.trim().replaceAll('\n', ',')}]`, { format: 'json' })).rows).toEqual(
          expected,
        );
        expect((await rowsOfFile(gzipSync(ndjson), { format: 'ndjson' })).rows).toEqual(expected);
      });
      test.each(['file', 'stream'] as const)('Arrow: a %s', async (shape) => {
        const at = new Date('2026-11-26T10:00:00.123Z');
        const arrow = new Table({
          id: vectorFromArray([1n, 9_007_199_254_740_993n], new Int64()),
          name: vectorFromArray(['Ada', 'Böb'], new Utf8()),
          score: vectorFromArray([1.5, Number.NaN], new Float64()),
          at: vectorFromArray([at, null], new TimestampMicrosecond()),
          tags: vectorFromArray([['p', 'q'], null], new List(new Field('item', new Utf8(), true))),
        });
        const { rows, columns } = await rowsOfFile(Buffer.from(tableToIPC(arrow, shape)), { format: 'arrow' });
        expect(columns.map(({ type }) => type)).toEqual(['int64', 'string', 'float64', 'timestamp', 'list<string>']);
        expect(rows).toEqual([
          [1, 'Ada', 1.5, '2026-11-26T10:00:00.123000Z', ['p', 'q']],
          ['9007199254740993', 'Böb', 'NaN', null, null],
        ]);
      });
      test('several files as one table, by names, in their order', async () => {
        const all = [await file('a,b\n1,x\n2,y\n'), await file('b,c\nz,true\n')];
        const { rows, columns } = await rowsOf(scan('t'), { t: { files: all } });
        expect(columns.map((each) => each.name)).toEqual(['a', 'b', 'c']);
        expect(rows).toEqual([
          [1, 'x', null],
          [2, 'y', null],
          [null, 'z', true],
        ]);
      });
      test('types that differ between files widen', async () => {
        const { rows, columns } = await rowsOf(scan('t'), {
          t: { files: [await file('a\n1\n'), await file('a\n1.5\n'), await file('a\nx\n')] },
        });
        expect(columns).toEqual([{ name: 'a', type: 'string' }]);
        expect(rows).toHaveLength(3);
      });
      test('where rows come from', async () => {
        const table = {
          files: [await file('a\n5\n6\n', { name: 'one.csv' }), await file('a\n7\n', { name: 'two.csv' })],
          provenance: { file: 'f', row: 'n' },
        };
        expect((await rowsOf(scan('t'), { t: table })).rows).toEqual([
          [5, 'one.csv', 1],
          [6, 'one.csv', 2],
          [7, 'two.csv', 1],
        ]);
      });
      test('columns that are told, and no files', async () => {
        const columns: Column[] = [{ name: 'a', type: 'int32' }];
        expect((await rowsOf(scan('t'), { t: { files: [], columns } })).columns).toEqual(columns);
        const { rows } = await rowsOfFile('b,a\nx,1\n', {}, { columns, extraColumns: 'ignore' });
        expect(rows).toEqual([[1]]);
      });
      test('only a header: no rows', async () => {
        const { rows, columns } = await rowsOfFile('a,b\n');
        expect(rows).toEqual([]);
        expect(columns.map((each) => each.name)).toEqual(['a', 'b']);
      });
      test('what only looks like a number stays text', async () => {
        const { columns, rows } = await rowsOfFile('zip,big,exp,under\n01234,12345678901234567890,1e5,1_000\n');
        expect(columns.map(({ type }) => type)).toEqual(['string', 'float64', 'float64', 'string']);
        expect(rows[0]?.[0]).toBe('01234');
      });
      test('a type that fits the start but not the end is widened', async () => {
        const lines = Array.from({ length: 30_000 }, (_, n) => `${n},2026-01-01,${n}`);
        const { columns } = await rowsOf(
          { type: 'limit', from: scan('t'), count: 1 },
          {
            t: { files: [await file(`a,d,n\n${lines.join('\n')}\nx,2026-01-01 10:00:00,1.5\n`)] },
          },
        );
        expect(columns.map(({ type }) => type)).toEqual(['string', 'timestamp', 'float64']);
      });
      test('times with zones, and without: those of the file, over a change of the clocks', async () => {
        const content =
          't\n2026-03-29 01:30:00\n2026-03-29T03:30:00\n2026-03-29 00:30:00+00\n2026-10-25T02:30:00.123456Z\n';
        const { rows } = await rowsOfFile(content, { csv: { timeZone: 'Europe/Berlin' } });
        expect(rows.flat()).toEqual([
          '2026-03-29T00:30:00.000000Z',
          '2026-03-29T01:30:00.000000Z',
          '2026-03-29T00:30:00.000000Z',
          '2026-10-25T02:30:00.123456Z',
        ]);
        expect((await rowsOfFile(content)).rows[0]).toEqual(['2026-03-29T01:30:00.000000Z']);
      });
      test('infinities and NaN', async () => {
        const { columns, rows } = await rowsOfFile('x\n1.5\nnan\ninf\n-Infinity\n');
        expect(columns).toEqual([{ name: 'x', type: 'float64' }]);
        expect(rows.flat()).toEqual([1.5, 'NaN', 'Infinity', '-Infinity']);
      });
      test('10,000 columns', async () => {
        const names = Array.from({ length: 10_000 }, (_, n) => `c${n}`);
        const { columns } = await rowsOfFile(`${names.join(',')}\n${names.map((_, n) => n).join(',')}\n`);
        expect(columns).toHaveLength(10_000);
      });
    });

    describe('faults of data', () => {
      const table = {
        columns: [
          { name: 'id', type: 'int64' },
          { name: 'age', type: 'int32' },
        ],
      } satisfies Partial<FileTable>;
      test.each([
        ['too few fields', 'id,age\n1,2\n3\n', 'too-few-fields', 3],
        ['too many fields', 'id,age\n1,2\n3,4,5\n', 'too-many-fields', 3],
        ['a wrong type', 'id,age\n1,2\n3,forty\n', 'wrong-type', 3],
        ['a fraction where an integer belongs', 'id,age\n1,2\n3,4.5\n', 'wrong-type', 3],
        ['a number with signs', 'id,age\n1,2\n1_000,4\n', 'wrong-type', 3],
        ['a number too large for its type', 'id,age\n1,2\n3,99999999999\n', 'wrong-type', 3],
        ['no text', Buffer.concat([Buffer.from('id,age\n1,2\n3,'), Buffer.from([0xff, 0xfe, 0x0a])]), undefined, 3],
        ['a missing column', 'id\n1\n', 'column-missing', 1],
        ['a column too many', 'id,age,name\n1,2,x\n', 'column-extra', 1],
        ['a name twice', 'id,age,ID\n1,2,3\n', 'header', 1],
        ['an empty file', '', 'no-rows', undefined],
      ])('%s: told with file and line', async (_, content, kind, line) => {
        const failure = await expectFailure(rowsOfFile(content as string | Buffer, {}, table));
        expect(failure.code).toBe('data_invalid');
        const [fault] = failure.faults;
        expect(fault).toMatchObject({
          file: 'people.csv',
          ...(line !== undefined && { line }),
          ...(kind !== undefined && { kind }),
        });
        expect(fault?.problem).not.toBe('');
        expect(fault?.remedy).not.toBe('');
        expect(failure.message).toContain('people.csv');
      });
      test('a wrong value is told with its column, but not in the message', async () => {
        const failure = await expectFailure(rowsOfFile('id,age\n1,forty two\n', {}, table));
        expect(failure.faults[0]).toMatchObject({ column: 'age', value: 'forty two', line: 2 });
        expect(failure.message).not.toContain('forty');
        expect(JSON.stringify(failure.issues)).not.toContain('forty');
      });
      test('kept apart: the good rows, and all the others with what is wrong', async () => {
        const rejectsPath = path.join(subject.folder, 'rejects.ndjson');
        const bad = Array.from({ length: 150 }, (_, n) => `x${n},1`).join('\n');
        const { rows, rejects } = await rowsOf(
          scan('t'),
          { t: { files: [await file(`id,age\n1,2\n${bad}\n3,4\n5\n`)], ...table, faults: 'keep' } },
          { rejectsPath },
        );
        expect(rows).toEqual([
          [1, 2],
          [3, 4],
        ]);
        expect(rejects.count).toBe(151);
        expect(rejects.first).toHaveLength(100);
        const lines = (await readFile(rejectsPath, 'utf8')).trimEnd().split('\n');
        expect(lines).toHaveLength(151);
        expect(JSON.parse(lines[0] ?? '')).toMatchObject({ line: 3, column: 'id', value: 'x0' });
      });
      test('lines are counted as an editor does', async () => {
        const failure = await expectFailure(rowsOfFile('id,age\n1,2\n\n3,4\nx,5\n', {}, table));
        expect(failure.faults[0]?.line).toBe(5);
        const quoted = {
          columns: [
            { name: 'id', type: 'int64' },
            { name: 'note', type: 'string' },
          ],
        } satisfies Partial<FileTable>;
        const broken = await expectFailure(rowsOfFile('id,note\n1,"two\nlines"\nx,y\n', {}, quoted));
        expect(broken.faults[0]?.line).toBe(4);
      });
      test('a time is no date, and a broken integer is left out with the others', async () => {
        const dates = { columns: [{ name: 'd', type: 'date' }] } satisfies Partial<FileTable>;
        const failure = await expectFailure(rowsOfFile('d\n2026-01-01\n2026-01-02 10:00:00\n', {}, dates));
        expect(failure.faults[0]).toMatchObject({ line: 3, column: 'd', kind: 'wrong-type' });
        const content = 'id,age\n1,2\nx,3\n\n"4.5","6"\n7,8\n9,1.0\n';
        const { rows, rejects } = await rowsOfFile(content, {}, { ...table, faults: 'keep' });
        expect(rows).toEqual([
          [1, 2],
          [7, 8],
        ]);
        expect(rejects.first.map(({ line, value }) => [line, value])).toEqual([
          [3, 'x'],
          [5, '4.5'],
          [7, '1.0'],
        ]);
      });
      test.each([
        ['broken NDJSON', 'ndjson', '{"a":1}\n{"a":\n', 2],
        ['broken JSON', 'json', '[{"a":1},{"a"', undefined],
        ['no Arrow', 'arrow', 'this is no arrow', undefined],
        ['no Parquet', 'parquet', 'this is no parquet at all', undefined],
        ['an empty Parquet', 'parquet', '', undefined],
      ] as const)('%s', async (_, format, content, line) => {
        const failure = await expectFailure(rowsOfFile(content, { format }));
        expect(failure.code).toBe('data_invalid');
        expect(failure.faults[0]?.file).toBe(`people.${format}`);
        if (line !== undefined) expect(failure.faults[0]?.line).toBe(line);
      });
      test('a value of NDJSON that does not fit its column', async () => {
        const failure = await expectFailure(
          rowsOfFile('{"a":1}\n{"a":"x"}\n', { format: 'ndjson' }, { columns: [{ name: 'a', type: 'int64' }] }),
        );
        expect(failure.faults[0]).toMatchObject({ kind: 'wrong-type', line: 2 });
      });
      test('a broken gzip', async () => {
        const failure = await expectFailure(rowsOfFile(gzipSync('a\n1\n'.repeat(1000)).subarray(0, 30)));
        expect(failure.faults[0]?.kind).toBe('unreadable');
      });
      test('a file that is not there', async () => {
        const failure = await expectFailure(
          rowsOf(scan('t'), { t: { files: [{ path: path.join(subject.folder, 'none.csv'), format: 'csv' }] } }),
        );
        expect(failure.code).toBe('content_missing');
      });
      test('10,001 columns', async () => {
        const failure = await expectFailure(
          rowsOfFile(`${Array.from({ length: 10_001 }, (_, n) => `c${n}`).join(',')}\n`),
        );
        expect(failure.faults[0]?.kind).toBe('too-many-columns');
      });
      test('a line without end', async () => {
        const failure = await expectFailure(
          rowsOf(
            scan('t'),
            { t: { files: [await file(`a\n${'x'.repeat(3_000_000)}\n`)] } },
            { limits: { lineBytes: 1_000_000 } },
          ),
        );
        expect(failure.code).toBe('data_invalid');
        expect(failure.faults[0]?.kind).toBe('line-too-long');
      });
      test('a bomb', async () => {
        const failure = await expectFailure(rowsOfFile(gzipSync(Buffer.alloc(200 * 1024 * 1024))));
        expect(failure.code).toBe('too_large');
        const budget = await expectFailure(
          rowsOf(
            scan('t'),
            { t: { files: [await file(gzipSync('a\n1\n'.repeat(10_000)))] } },
            { limits: { inflatedBytes: 10_000 } },
          ),
        );
        expect(budget.code).toBe('too_large');
      });
    });

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
      test('go through Parquet and come back as they were', async () => {
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
        const written = await engine.run({
          tables: { t: table },
          query: scan('t'),
          output: { type: 'parquet', folder: subject.folder, name: 'types', metadata: { made: 'by us' } },
        });
        expect(written.columns).toEqual(table.columns);
        expect(written.files).toMatchObject([{ rows: 2 }]);
        const back = await rowsOf(scan('t'), {
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
        const { rows, columns: made } = await rowsOfFile('{"st":{"a":1,"b":"x"},"l":[{"c":1.5}]}\n', {
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
      test.each<[string, Expression, unknown]>([
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
      ])('%s', async (_, expression, expected) => {
        expect(await valueOf(expression)).toEqual(expected);
      });
      test('a function that is not there, or takes something else', async () => {
        expect((await expectFailure(valueOf(call('nothing' as 'abs', literal(1))))).code).toBe('query_invalid');
        expect((await expectFailure(valueOf(call('abs')))).message).toContain('takes 1');
      });
      test('names and values are never text of the query', async () => {
        const odd = `a"b'; DROP TABLE t; --`;
        const { columns, rows } = await rowsOf(
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
        const { rows } = await rowsOf(
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
      test('groups, and which of them', async () => {
        const grouped: Relation = {
          type: 'aggregate',
          from: scan('t'),
          by: [named('shop', column('shop'))],
          columns: [named('n', aggregate('count'))],
          having: call('>', column('n'), literal(1)),
        };
        const { rows } = await rowsOf({ type: 'sort', from: grouped, by: [descending('shop')] }, { t: sales });
        expect(rows).toEqual([
          ['b', 2],
          ['a', 2],
        ]);
      });
      test('the order independent digest of rows', async () => {
        const digest: Relation = {
          type: 'aggregate',
          from: scan('t'),
          by: [],
          columns: [named('h', aggregate('bit-hash', [column('a'), column('b')]))],
        };
        const of = async (...rows: (readonly LiteralValue[])[]) =>
          (await rowsOf(digest, { t: inline({ a: 'int64', b: 'string' }, ...rows) })).rows[0]?.[0];
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
        const { rows } = await rowsOf(
          { type: 'join', kind, left: scan('l'), right: scan('r'), keys: [{ left: 'k', right: 'k' }] },
          { l: left, r: right },
        );
        expect(rows).toHaveLength(count);
      });
      test('a join where NULL meets NULL, with a condition and chosen columns', async () => {
        const { rows, columns } = await rowsOf(
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
      test('the latest of each key, NULL among them', async () => {
        const latest: Relation = { type: 'latest', from: scan('l'), by: ['k'], order: [descending('l')] };
        const { rows } = await rowsOf({ type: 'sort', from: latest, by: [ascending('l')] }, { l: left });
        expect(rows).toEqual([
          [2, 'b'],
          [null, 'c'],
          [1, 'd'],
        ]);
      });
      test('windows', async () => {
        const { rows } = await rowsOf(
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
        expect(rows.toSorted((a, b) => String(a[1]).localeCompare(String(b[1])))).toEqual([
          [1, 'a', 1, 2, null],
          [2, 'b', 1, 1, 'a'],
          [null, 'c', 1, 1, 'b'],
          [1, 'd', 2, 2, 'c'],
        ]);
      });
      test('a projection that keeps, replaces and leaves out', async () => {
        const { rows, columns } = await rowsOf(
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
      test('a projection that would leave the old column beside the new one is refused', async () => {
        const failure = await expectFailure(
          rowsOf(
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
        expect((await rowsOf(union, {})).rows).toHaveLength(4);
        expect((await rowsOf({ type: 'unnest', from: values, column: 'tags' }, {})).rows).toEqual([
          [1, 'p'],
          [1, 'q'],
        ]);
        const keys: Relation = {
          type: 'distinct',
          from: { type: 'project', from: union, columns: [named('k', column('k'))] },
        };
        expect(
          (
            await rowsOf(
              { type: 'limit', from: { type: 'sort', from: keys, by: [ascending('k')] }, count: 1, offset: 1 },
              {},
            )
          ).rows,
        ).toEqual([[2]]);
      });
      test('a sample is the same for the same seed', async () => {
        const numbers = inline({ n: 'int64' }, ...Array.from({ length: 1000 }, (_, n) => [n]));
        const of = async (seed: number) =>
          (await rowsOf({ type: 'sample', from: scan('t'), size: { rows: 50 }, seed }, { t: numbers })).rows;
        const drawn = await of(1);
        expect(drawn).toHaveLength(50);
        expect(await of(1)).toEqual(drawn);
        expect(await of(2)).not.toEqual(drawn);
        const share = await rowsOf({ type: 'sample', from: scan('t'), size: { share: 0.5 }, seed: 1 }, { t: numbers });
        expect(share.rowCount).toBeGreaterThan(400);
        expect(share.rowCount).toBeLessThan(600);
      });
      test('a table that the job has not', async () => {
        expect((await expectFailure(rowsOf(scan('other'), { t: sales }))).message).toContain('`t`');
      });
    });

    describe('a join at points in time', () => {
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
      const join = (more: Partial<AsofRelation>): Relation => ({
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
        (await rowsOf(join(more), { e, f })).rows.map((row) => row[2]);

      test.each([
        ['10 days', { ttlUs: 10 * DAY }, [11, 22, null, 10]],
        ['no limit', {}, [11, 22, 22, 10]],
        ['one day, inclusive', { ttlUs: DAY }, [11, 22, null, null]],
        ['without the prefilter', { ttlUs: 10 * DAY, prefilter: false }, [11, 22, null, 10]],
        ['only what was known by then', { ttlUs: 10 * DAY, cutoff: 'made' }, [11, 22, null, 10]],
      ])('V1 with %s', async (_, more, expected) => {
        expect(await values(more)).toEqual(expected);
      });
      test('V2: the later created wins a tie, but event time beats it; V3: nothing that was made later', async () => {
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
      test('V6: equal rows of entities stay apart; NULL keys and times meet nothing', async () => {
        const e = inline(
          { k: 'int64', t: 'timestamp' },
          [1, time('2024-01-02')],
          [1, time('2024-01-02')],
          [null, time('2024-01-02')],
          [1, null],
        );
        expect((await values({}, e)).toSorted()).toEqual([22, 22, null, null]);
        expect((await values({ cutoff: 'made' }, e)).toSorted()).toEqual([22, 22, null, null]);
      });
      test('without keys: one row for all; a NULL created loses a tie', async () => {
        const f = inline(
          { ts: 'timestamp', made: 'timestamp', v: 'int64' },
          [time('2024-01-01'), null, 1],
          [time('2024-01-01'), time('2023-01-01'), 2],
        );
        const e = inline({ k: 'int64', t: 'timestamp' }, [1, time('2024-01-01')], [2, time('2023-12-31')]);
        expect(await values({ keys: [] }, e, f as typeof features)).toEqual([2, null]);
      });
    });

    describe('what a job gives', () => {
      const numbers = inline({ n: 'int64', s: 'string' }, ...Array.from({ length: 5000 }, (_, n) => [n, `value ${n}`]));
      const parquet = (
        name: string,
        split: NonNullable<Extract<QueryJob['output'], { type: 'parquet' }>['split']>,
      ) => ({ type: 'parquet' as const, folder: subject.folder, name, split });
      const digests = async (result: QueryResult) =>
        await Promise.all(
          result.files.map(async (each) =>
            createHash('sha256')
              .update(await readFile(each.path))
              .digest('hex'),
          ),
        );

      test('at most so many rows, and whether there were more', async () => {
        const query: Relation = { type: 'sort', from: scan('t'), by: [ascending('n')] };
        const few = await engine.run({ tables: { t: numbers }, query, output: { type: 'rows', limit: 3 } });
        expect(few).toMatchObject({ truncated: true, rowCount: 3 });
        expect(few.rows.map(([n]) => n)).toEqual([0, 1, 2]);
        const all = await engine.run({ tables: { t: numbers }, query, output: { type: 'rows', limit: 5000 } });
        expect(all).toMatchObject({ truncated: false, rowCount: 5000 });
        expect(all.rows[4999]).toEqual([4999, 'value 4999']);
      });
      test('steps that later queries read, and several results', async () => {
        const result = await engine.run({
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
      test('Parquet in pieces of rows, in the order of the query', async () => {
        const result = await engine.run({
          tables: { t: numbers },
          query: scan('t'),
          output: { ...parquet('rows', { type: 'rows', rows: 2000 }), order: [descending('n')] },
        });
        expect(result.files.map(({ rows }) => rows)).toEqual([2000, 2000, 1000]);
        for (const each of result.files) expect((await stat(each.path)).size).toBe(each.bytes);
        const back = await rowsOf(
          { type: 'limit', from: scan('t'), count: 2 },
          { t: { files: result.files.map((each) => ({ path: each.path, format: 'parquet' as const })) } },
        );
        expect(back.rows.map(([n]) => n)).toEqual([4999, 4998]);
      });
      test('equal rows give equal bytes', async () => {
        const one = await engine.run({
          tables: { t: numbers },
          query: scan('t'),
          output: parquet('same-a', { type: 'one' }),
        });
        const two = await engine.run({
          tables: { t: numbers },
          query: scan('t'),
          output: parquet('same-b', { type: 'one' }),
        });
        expect(await digests(one)).toEqual(await digests(two));
      });
      test('cut by content: a change of one row leaves the other files as they were', async () => {
        const of = async (name: string, rows: InlineTable['rows'], keys?: readonly string[]) =>
          await digests(
            await engine.run({
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
      test('no rows: one file that tells the columns', async () => {
        const result = await engine.run({
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
        const csv = path.join(subject.folder, 'out.csv');
        await engine.run({ tables: { t: numbers }, query: first, output: { type: 'csv', path: csv } });
        expect(await readFile(csv, 'utf8')).toBe('n,s\n0,value 0\n1,value 1\n');
        const ndjson = path.join(subject.folder, 'out.ndjson');
        const { files: made } = await engine.run({
          tables: { t: numbers },
          query: first,
          output: { type: 'ndjson', path: ndjson },
        });
        expect(await readFile(ndjson, 'utf8')).toBe('[0,"value 0"]\n[1,"value 1"]\n');
        expect(made).toMatchObject([{ rows: 2, bytes: 28 }]);
      });
      test('nothing but its faults', async () => {
        const result = await engine.run({ tables: { t: numbers }, query: scan('t'), output: { type: 'none' } });
        expect(result).toMatchObject({ rowCount: 0, rows: [], files: [] });
        const broken = {
          type: 'project',
          from: scan('t'),
          columns: [named('x', cast(column('s'), 'int64'))],
        } as const satisfies Relation;
        expect(
          (await expectFailure(engine.run({ tables: { t: numbers }, query: broken, output: { type: 'none' } }))).code,
        ).toBe('data_invalid');
      });
      test('two columns of one name are refused', async () => {
        const twice: Relation = {
          type: 'project',
          from: scan('t'),
          columns: [named('a', literal(1)), named('A', literal(2))],
        };
        expect((await expectFailure(rowsOf(twice, { t: numbers }))).code).toBe('query_invalid');
      });
    });

    describe('asks without running', () => {
      test('what a query gives', async () => {
        const query = filter(scan('t'), allOf(call('>', column('n'), literal(1))));
        expect(
          await engine.check(query, {
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
        const failure = await expectFailure(engine.check(sql, { t: [{ name: 'n', type: 'int64' }] }));
        expect(failure).toMatchObject({ code: 'query_invalid', position: { line: 1, column: 8 } });
      });
      test('what a file holds, so that the next is read alike', async () => {
        const described = await engine.describe({
          files: [await file(gzipSync('id;;when\n1;x;2026-01-01\n'), { name: 'a.csv.gz' })],
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
      test('when it is told to, and works on', async () => {
        const abort = new AbortController();
        const running = engine.run(work(), {
          signal: abort.signal,
          progress: ({ phase }) => phase === 'running' && abort.abort(new Error('enough')),
        });
        await expect(running).rejects.toThrow('enough');
        expect(await valueOf(literal(1))).toBe(1);
      });
      test('while it waits for its turn', async () => {
        const [first, second] = [new AbortController(), new AbortController()];
        const running = engine.run(work(), { signal: first.signal });
        const waiting = engine.run(work(), {
          signal: second.signal,
          progress: ({ phase }) => phase === 'waiting' && second.abort(new Error('not now')),
        });
        await expect(waiting).rejects.toThrow('not now');
        first.abort(new Error('nor this'));
        await expect(running).rejects.toThrow('nor this');
      });
      test('when its time is over', async () => {
        expect(await expectFailure(engine.run(work({ wallMs: 500 })))).toMatchObject({ code: 'query_limit' });
      });
      test('when it needs more memory and disk than it may have', async () => {
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
        const failure = await expectFailure(engine.run({ ...work(limits), query, output: { type: 'none' } }));
        expect(failure.code).toBe('query_limit');
        expect(await valueOf(literal(2))).toBe(2);
      });
      test('and leaves no files of a job that failed', async () => {
        const failing: Relation = {
          type: 'project',
          from: scan('t'),
          columns: [named('x', cast(call('concat', literal('x'), column('n')), 'int64'))],
        };
        await expectFailure(
          engine.run({
            ...work(),
            query: scan('t'),
            output: { type: 'parquet', folder: subject.folder, name: 'broken' },
            more: [{ query: failing, output: { type: 'none' } }],
          }),
        );
        await expect(stat(path.join(subject.folder, 'broken-00000.parquet'))).rejects.toThrow('ENOENT');
      });
    });
  });
}
