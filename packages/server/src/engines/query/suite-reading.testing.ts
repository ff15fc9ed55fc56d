/** Suite: file formats. */
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
import { describe, expect, test } from 'vitest';
import { isLongRun } from '#testing/long-run.ts';
import { scan } from './model/build.ts';
import type { Column } from './model/column-type.ts';
import type { Bench } from './suite-bench.testing.ts';

/** The two rows of these tests, compressed by `zstd` 1.5. */
const ZSTD = 'KLUv/SQucQEAaWQsbmFtZSxzY29yZSxvawoxLEFkYSwxLjUsdHJ1ZQoyLELDtmIsLGZhbHNlCqQd2LA=';

export function readingTests(bench: Bench): void {
  describe('reads', () => {
    const expected = [
      [1, 'Ada', 1.5, true],
      [2, 'Böb', null, false],
    ];
    const csv = 'id,name,score,ok\n1,Ada,1.5,true\n2,Böb,,false\n';
    const ndjson = '{"id":1,"name":"Ada","score":1.5,"ok":true}\n{"id":2,"name":"Böb","score":null,"ok":false}\n';

    test('CSV with a header', async () => {
      const { rows, columns } = await bench.rowsOfFile(csv);
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
      ['Latin-1 when it is set', Buffer.from(csv, 'latin1'), { encoding: 'latin-1' as const }],
      ['gzip', gzipSync(csv), {}],
      ['gzip in several members', Buffer.concat([gzipSync(csv.slice(0, 20)), gzipSync(csv.slice(20))]), {}],
      ['zstd', Buffer.from(ZSTD, 'base64'), {}],
      ['another NULL', csv.replace(',,', ',NA,'), { csv: { nulls: ['NA', ''] } }],
      ['lines before the header', `made by us\n\n${csv}`, { csv: { skip: 2 } }],
    ])('CSV with %s', async (_, content, source) => {
      expect((await bench.rowsOfFile(content as string | Buffer, source)).rows).toEqual(expected);
    });
    test('CSV without a header', async () => {
      const { columns, rows } = await bench.rowsOfFile('1,a\n2,b\n', { csv: { header: false } });
      expect(columns.map((each) => each.name)).toEqual(['column_1', 'column_2']);
      expect(rows).toHaveLength(2);
    });
    test('NDJSON and JSON', async () => {
      expect((await bench.rowsOfFile(ndjson, { format: 'ndjson' })).rows).toEqual(expected);
      expect((await bench.rowsOfFile(`[${ndjson.trim().replaceAll('\n', ',')}]`, { format: 'json' })).rows).toEqual(
        expected,
      );
      expect((await bench.rowsOfFile(gzipSync(ndjson), { format: 'ndjson' })).rows).toEqual(expected);
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
      const { rows, columns } = await bench.rowsOfFile(Buffer.from(tableToIPC(arrow, shape)), { format: 'arrow' });
      expect(columns.map(({ type }) => type)).toEqual(['int64', 'string', 'float64', 'timestamp', 'list<string>']);
      expect(rows).toEqual([
        [1, 'Ada', 1.5, '2026-11-26T10:00:00.123000Z', ['p', 'q']],
        ['9007199254740993', 'Böb', 'NaN', null, null],
      ]);
    });
    test('several files as one table, by name, in order', async () => {
      const all = [await bench.file('a,b\n1,x\n2,y\n'), await bench.file('b,c\nz,true\n')];
      const { rows, columns } = await bench.rowsOf(scan('t'), { t: { files: all } });
      expect(columns.map((each) => each.name)).toEqual(['a', 'b', 'c']);
      expect(rows).toEqual([
        [1, 'x', null],
        [2, 'y', null],
        [null, 'z', true],
      ]);
    });
    test('types that differ between files widen', async () => {
      const { rows, columns } = await bench.rowsOf(scan('t'), {
        t: { files: [await bench.file('a\n1\n'), await bench.file('a\n1.5\n'), await bench.file('a\nx\n')] },
      });
      expect(columns).toEqual([{ name: 'a', type: 'string' }]);
      expect(rows).toHaveLength(3);
    });
    test('the provenance of rows', async () => {
      const table = {
        files: [await bench.file('a\n5\n6\n', { name: 'one.csv' }), await bench.file('a\n7\n', { name: 'two.csv' })],
        provenance: { file: 'f', row: 'n' },
      };
      expect((await bench.rowsOf(scan('t'), { t: table })).rows).toEqual([
        [5, 'one.csv', 1],
        [6, 'one.csv', 2],
        [7, 'two.csv', 1],
      ]);
    });
    test('given columns without files', async () => {
      const columns: Column[] = [{ name: 'a', type: 'int32' }];
      expect((await bench.rowsOf(scan('t'), { t: { files: [], columns } })).columns).toEqual(columns);
      const { rows } = await bench.rowsOfFile('b,a\nx,1\n', {}, { columns, extraColumns: 'ignore' });
      expect(rows).toEqual([[1]]);
    });
    test('a header without rows', async () => {
      const { rows, columns } = await bench.rowsOfFile('a,b\n');
      expect(rows).toEqual([]);
      expect(columns.map((each) => each.name)).toEqual(['a', 'b']);
    });
    test('text that resembles a number stays text', async () => {
      const { columns, rows } = await bench.rowsOfFile('zip,big,exp,under\n01234,12345678901234567890,1e5,1_000\n');
      expect(columns.map(({ type }) => type)).toEqual(['string', 'float64', 'float64', 'string']);
      expect(rows[0]?.[0]).toBe('01234');
    });
    test('widens a type that does not match later rows', async () => {
      const lines = Array.from({ length: 30_000 }, (_, n) => `${n},2026-01-01,${n}`);
      const { columns } = await bench.rowsOf(
        { type: 'limit', from: scan('t'), count: 1 },
        {
          t: { files: [await bench.file(`a,d,n\n${lines.join('\n')}\nx,2026-01-01 10:00:00,1.5\n`)] },
        },
      );
      expect(columns.map(({ type }) => type)).toEqual(['string', 'timestamp', 'float64']);
    });
    test('times with zones, and without: in the zone of the file, over a daylight saving change', async () => {
      const content =
        't\n2026-03-29 01:30:00\n2026-03-29T03:30:00\n2026-03-29 00:30:00+00\n2026-10-25T02:30:00.123456Z\n';
      const { rows } = await bench.rowsOfFile(content, { csv: { timeZone: 'Europe/Berlin' } });
      expect(rows.flat()).toEqual([
        '2026-03-29T00:30:00.000000Z',
        '2026-03-29T01:30:00.000000Z',
        '2026-03-29T00:30:00.000000Z',
        '2026-10-25T02:30:00.123456Z',
      ]);
      expect((await bench.rowsOfFile(content)).rows[0]).toEqual(['2026-03-29T01:30:00.000000Z']);
    });
    test('infinities and NaN', async () => {
      const { columns, rows } = await bench.rowsOfFile('x\n1.5\nnan\ninf\n-Infinity\n');
      expect(columns).toEqual([{ name: 'x', type: 'float64' }]);
      expect(rows.flat()).toEqual([1.5, 'NaN', 'Infinity', '-Infinity']);
    });
    // The limit, 10,000, takes ten times the CPU.
    const count = isLongRun ? 10_000 : 2000;
    test(`${count} columns`, async () => {
      const names = Array.from({ length: count }, (_, n) => `c${n}`);
      const { columns } = await bench.rowsOfFile(`${names.join(',')}\n${names.map((_, n) => n).join(',')}\n`);
      expect(columns).toHaveLength(count);
    });
  });
}
