/** Suite: rejection and reporting of invalid data. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import type { FileTable } from './contract.ts';
import { scan } from './model/build.ts';
import { type Bench, expectFailure } from './suite-bench.testing.ts';

export function problemTests(bench: Bench): void {
  describe('data errors', () => {
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
      ['invalid bytes', Buffer.concat([Buffer.from('id,age\n1,2\n3,'), Buffer.from([0xff, 0xfe, 0x0a])]), undefined, 3],
      ['a missing column', 'id\n1\n', 'column-missing', 1],
      ['a column too many', 'id,age,name\n1,2,x\n', 'column-extra', 1],
      ['a name twice', 'id,age,ID\n1,2,3\n', 'header', 1],
      ['an empty file', '', 'no-rows', undefined],
    ])('%s: reported with file and line', async (_, content, kind, line) => {
      const failure = await expectFailure(bench.rowsOfFile(content, {}, table));
      expect(failure.code).toBe('data_invalid');
      const [error] = failure.errors;
      expect(error).toMatchObject({
        file: 'people.csv',
        ...(line !== undefined && { line }),
        ...(kind !== undefined && { kind }),
      });
      expect(error?.problem).not.toBe('');
      expect(error?.remedy).not.toBe('');
      expect(failure.message).toContain('people.csv');
    });
    test('reports an invalid value with its column, but not in the message', async () => {
      const failure = await expectFailure(bench.rowsOfFile('id,age\n1,forty two\n', {}, table));
      expect(failure.errors[0]).toMatchObject({ column: 'age', value: 'forty two', line: 2 });
      expect(failure.message).not.toContain('forty');
      expect(JSON.stringify(failure.issues)).not.toContain('forty');
    });
    test('separates valid rows from rejected rows with their errors', async () => {
      const rejectsPath = path.join(bench.folder, 'rejects.ndjson');
      const bad = Array.from({ length: 150 }, (_, n) => `x${n},1`).join('\n');
      const { rows, rejects } = await bench.rowsOf(
        scan('t'),
        { t: { files: [await bench.file(`id,age\n1,2\n${bad}\n3,4\n5\n`)], ...table, invalidRows: 'keep' } },
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
    test('counts lines like an editor', async () => {
      const failure = await expectFailure(bench.rowsOfFile('id,age\n1,2\n\n3,4\nx,5\n', {}, table));
      expect(failure.errors[0]?.line).toBe(5);
      const quoted = {
        columns: [
          { name: 'id', type: 'int64' },
          { name: 'note', type: 'string' },
        ],
      } satisfies Partial<FileTable>;
      const broken = await expectFailure(bench.rowsOfFile('id,note\n1,"two\nlines"\nx,y\n', {}, quoted));
      expect(broken.errors[0]?.line).toBe(4);
    });
    test('a time is not a date, and rows with invalid integers are omitted', async () => {
      const dates = { columns: [{ name: 'd', type: 'date' }] } satisfies Partial<FileTable>;
      const failure = await expectFailure(bench.rowsOfFile('d\n2026-01-01\n2026-01-02 10:00:00\n', {}, dates));
      expect(failure.errors[0]).toMatchObject({ line: 3, column: 'd', kind: 'wrong-type' });
      const content = 'id,age\n1,2\nx,3\n\n"4.5","6"\n7,8\n9,1.0\n';
      const { rows, rejects } = await bench.rowsOfFile(content, {}, { ...table, invalidRows: 'keep' });
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
      ['malformed NDJSON', 'ndjson', '{"a":1}\n{"a":\n', 2],
      ['malformed JSON', 'json', '[{"a":1},{"a"', undefined],
      ['not Arrow', 'arrow', 'this is no arrow', undefined],
      ['not Parquet', 'parquet', 'this is no parquet at all', undefined],
      ['an empty Parquet', 'parquet', '', undefined],
    ] as const)('%s', async (_, format, content, line) => {
      const failure = await expectFailure(bench.rowsOfFile(content, { format }));
      expect(failure.code).toBe('data_invalid');
      expect(failure.errors[0]?.file).toBe(`people.${format}`);
      expect(failure.errors[0]?.line).toBe(line);
    });
    test('omits and reports lines that are not JSON', async () => {
      const { rows, rejects } = await bench.rowsOfFile(
        '{"a":1}\n{"a":\n{"a":3}\n',
        { format: 'ndjson' },
        { invalidRows: 'keep' },
      );
      expect(rows).toEqual([[1], [3]]);
      expect(rejects.first).toMatchObject([{ line: 2, value: '{"a":', kind: 'json' }]);
    });
    test('a value of NDJSON that does not match its column', async () => {
      const failure = await expectFailure(
        bench.rowsOfFile('{"a":1}\n{"a":"x"}\n', { format: 'ndjson' }, { columns: [{ name: 'a', type: 'int64' }] }),
      );
      expect(failure.errors[0]).toMatchObject({ kind: 'wrong-type', line: 2 });
    });
    test('a damaged gzip', async () => {
      const failure = await expectFailure(bench.rowsOfFile(gzipSync('a\n1\n'.repeat(1000)).subarray(0, 30)));
      expect(failure.errors[0]?.kind).toBe('unreadable');
    });
    test('a missing file', async () => {
      const failure = await expectFailure(
        bench.rowsOf(scan('t'), { t: { files: [{ path: path.join(bench.folder, 'none.csv'), format: 'csv' }] } }),
      );
      expect(failure.code).toBe('content_missing');
    });
    test('10,001 columns', async () => {
      const failure = await expectFailure(
        bench.rowsOfFile(`${Array.from({ length: 10_001 }, (_, n) => `c${n}`).join(',')}\n`),
      );
      expect(failure.errors[0]?.kind).toBe('too-many-columns');
    });
    test('an endless line', async () => {
      const failure = await expectFailure(
        bench.rowsOf(
          scan('t'),
          { t: { files: [await bench.file(`a\n${'x'.repeat(3_000_000)}\n`)] } },
          { limits: { lineBytes: 1_000_000 } },
        ),
      );
      expect(failure.code).toBe('data_invalid');
      expect(failure.errors[0]?.kind).toBe('line-too-long');
    });
    test('a decompression bomb', async () => {
      const failure = await expectFailure(bench.rowsOfFile(gzipSync(Buffer.alloc(200 * 1024 * 1024))));
      expect(failure.code).toBe('too_large');
      const budget = await expectFailure(
        bench.rowsOf(
          scan('t'),
          { t: { files: [await bench.file(gzipSync('a\n1\n'.repeat(10_000)))] } },
          { limits: { inflatedBytes: 10_000 } },
        ),
      );
      expect(budget.code).toBe('too_large');
    });
  });
}
