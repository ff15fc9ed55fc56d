/** Invalid pushes: handled, or rejected with file, line, column and remedy. Never a partial version. */
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import type { Ingest, IngestProblem } from '@dais/api/data';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeOf } from '#kernel/testing/test-kernel.ts';
import { scan } from '#engines/query/model/build.ts';
import { expectFailure } from '#engines/query/suite-bench.testing.ts';
import { startDataWorld, type DataWorld } from './testing/data-world.ts';

const PATIENCE_MS = 300_000;
const MIB = 2 ** 20;
let world: DataWorld;
beforeAll(async () => {
  world = await startDataWorld();
});
afterAll(async () => await world.stop());

async function refused(files: Readonly<Record<string, string | Buffer>>, spec: object = {}): Promise<Ingest> {
  const name = await world.dataset(spec);
  const ingest = await world.push(name, files);
  expect(ingest.state).toBe('failed');
  expect(await codeOf(world.version(name))).toBe('not_found');
  return ingest;
}

async function taken(files: Readonly<Record<string, string | Buffer>>, spec: object = {}) {
  const name = await world.dataset(spec);
  expect(await world.push(name, files)).toMatchObject({ state: 'succeeded', problems: [] });
  return { name, version: await world.version(name), rows: await world.rows(name) };
}

const columns = (...of: readonly (readonly [name: string, type: string])[]) => ({
  columns: of.map(([name, type]) => ({ name, type })),
});

/** Blocks that expand from four bytes to 128 KiB. */
function zstdBomb(bytes: number): Buffer {
  const block = 128 * 1024;
  const count = Math.ceil(bytes / block);
  const blocks = Array.from({ length: count }, (_, n) => {
    const head = (block << 3) | (1 << 1) | (n === count - 1 ? 1 : 0);
    return [head & 0xff, (head >> 8) & 0xff, (head >> 16) & 0xff, 0x78];
  });
  return Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38, ...blocks.flat()]);
}

describe('rejected', () => {
  test.each<[string, Readonly<Record<string, string | Buffer>>, object, Partial<IngestProblem>]>([
    ['a ragged line', { 'a.csv': 'a,b\n1,2\n3\n' }, {}, { file: 'a.csv', line: 3 }],
    ['a line with too much', { 'a.csv': 'a,b\n1,2\n3,4,5\n' }, {}, { file: 'a.csv', line: 3 }],
    ['the second of two files', { 'a.csv': 'a,b\n1,2\n', 'b.csv': 'a,b\n1,2\n3\n' }, {}, { file: 'b.csv', line: 3 }],
    [
      'another encoding than declared',
      { 'a.csv': Buffer.from('name\nMüller\n', 'latin1') },
      {},
      { file: 'a.csv', line: 2 },
    ],
    [
      'text among numbers',
      { 'a.csv': 'id,x\n1,1\n2,two\n' },
      columns(['id', 'int64'], ['x', 'int64']),
      { file: 'a.csv', line: 3, column: 'x', value: 'two' },
    ],
    [
      'text among numbers of NDJSON',
      { 'a.ndjson': '{"x":1}\n{"x":"two"}\n' },
      columns(['x', 'int64']),
      { file: 'a.ndjson', line: 2 },
    ],
    ['a name twice', { 'a.csv': 'id,x,ID\n1,2,3\n' }, {}, { file: 'a.csv', line: 1 }],
    ['nothing at all', { 'a.csv': '' }, {}, { file: 'a.csv' }],
    [
      'an infinity among integers',
      { 'a.csv': 'x\n1\ninf\n' },
      columns(['x', 'int64']),
      { file: 'a.csv', line: 3, column: 'x', value: 'inf' },
    ],
    [
      'a day that is none',
      { 'a.csv': 'd\n2026-02-28\n2026-02-30\n' },
      columns(['d', 'date']),
      { file: 'a.csv', line: 3, column: 'd', value: '2026-02-30' },
    ],
    ['half of a gzip', { 'a.csv.gz': gzipSync('a\n1\n'.repeat(1000)).subarray(0, 30) }, {}, { file: 'a.csv.gz' }],
    ['no Parquet', { 'a.parquet': 'PAR1 and then no more' }, {}, { file: 'a.parquet' }],
    [
      'more columns than a table may have',
      { 'a.csv': `${Array.from({ length: 10_001 }, (_, n) => `c${n}`).join(',')}\n` },
      {},
      { file: 'a.csv' },
    ],
    [
      'a line without end',
      { 'a.csv': Buffer.concat([Buffer.from('a\n'), Buffer.alloc(40 * MIB, 'x')]) },
      {},
      { file: 'a.csv' },
    ],
  ])(
    '%s',
    async (_, files, spec, problem) => {
      const { problems } = await refused(files, spec);
      expect(problems[0]).toMatchObject(problem);
      expect(problems[0]?.message).not.toBe('');
      expect(problems[0]?.remedy ?? '').not.toBe('');
    },
    PATIENCE_MS,
  );

  test.each([
    ['gzip', 'a.csv.gz', gzipSync(Buffer.alloc(200 * MIB, 'x'))],
    ['zstd', 'a.csv.zst', zstdBomb(2000 * MIB)],
  ])(
    'a %s bomb',
    async (_, file, bytes) => {
      expect(bytes.length).toBeLessThan(MIB);
      const { problems } = await refused({ [file]: bytes });
      expect(problems[0]?.message).toContain('bomb');
    },
    PATIENCE_MS,
  );

  test(
    'SQL that reads or writes outside, wherever users write SQL',
    async () => {
      const name = await world.dataset();
      await world.push(name, { 'a.csv': 'x\n1\n' });
      const path = join(world.folder, 'stolen');
      const outside = [
        `select * from read_text('/etc/passwd')`,
        `select * from '/etc/passwd'`,
        `copy (select 1) to '${path}'`,
        `attach '${path}' as other`,
        `select * from read_csv('https://example.org/a.csv')`,
        `install httpfs`,
        `select getenv('HOME')`,
        `pragma database_list`,
        `set enable_external_access = true`,
      ];
      for (const sql of outside) {
        expect([sql, await codeOf(world.dais.call('data.query', { sql }))]).toEqual([sql, 'query_invalid']);
        const derived = await world.dataset({ source: { type: 'dataset', sql, tables: { t: `${name}@latest` } } });
        const ended = await world.ended(await world.dais.call<Ingest>('dataset.refresh', { name: derived }));
        expect([sql, ended.state]).toEqual([sql, 'failed']);
        expect(ended.problems[0]?.message ?? '').not.toBe('');
      }
      expect(() => readFileSync(path)).toThrow('ENOENT');
    },
    PATIENCE_MS,
  );
});

describe('accepted', () => {
  test('a header only: a version without rows', async () => {
    const { version, rows } = await taken({ 'a.csv': 'id,x\n' });
    expect([version.rows, rows]).toEqual([0, []]);
    expect(version.schema.columns.map(({ name }) => name)).toEqual(['id', 'x']);
  });

  test('numbers followed by texts: a text column', async () => {
    const many = Array.from({ length: 40_000 }, (_, n) => `${n}`).join('\n');
    const { version } = await taken({ 'a.csv': `x\n${many}\nforty\n` });
    expect(version).toMatchObject({ rows: 40_001, schema: { columns: [{ name: 'x', type: 'string' }] } });
  });

  test('a declared encoding, and detected UTF-16', async () => {
    const latin = await taken(
      { 'a.csv': Buffer.from('name\nMüller\n', 'latin1') },
      { format: { encoding: 'latin-1' } },
    );
    expect(latin.rows).toEqual([['Müller']]);
    const wide = await taken({ 'a.csv': Buffer.from('\uFEFFname\nMüller\n', 'utf16le') });
    expect(wide.rows).toEqual([['Müller']]);
  });

  test('time zones, and the repeated hour in Berlin', async () => {
    const { rows } = await taken(
      { 'a.csv': 'at\n2026-10-25T02:30:00+02:00\n2026-10-25T02:30:00+01:00\n2026-03-29T02:30:00\n' },
      columns(['at', 'timestamp']),
    );
    const times = rows.map(([at]) => new Date(String(at)).toISOString());
    expect(times).toEqual(['2026-10-25T00:30:00.000Z', '2026-10-25T01:30:00.000Z', '2026-03-29T02:30:00.000Z']);
  });

  test('infinities and NaN in float columns', async () => {
    const { version } = await taken({ 'a.csv': 'x\n1.5\ninf\n-Infinity\nNaN\n' });
    expect(version).toMatchObject({ rows: 4, schema: { columns: [{ name: 'x', type: 'float64' }] } });
  });

  test('infinities in NDJSON, in the format of Python', async () => {
    const { rows } = await taken({ 'a.ndjson': '{"x":1.5}\n{"x":Infinity}\n{"x":-Infinity}\n' });
    expect(rows).toEqual([[1.5], ['Infinity'], ['-Infinity']]);
  });

  test(
    'reads and writes 2,000 columns; rejects 10,000 with the memory limit in the error',
    async () => {
      const wide = (count: number) => {
        const names = Array.from({ length: count }, (_, n) => `c${n}`);
        const line = (add: number) => names.map((_, n) => n + add).join(',');
        return `${names.join(',')}\n${line(0)}\n${line(1)}\n`;
      };
      const { name, version } = await taken({ 'a.csv': wide(2000) });
      expect(version.schema.columns).toHaveLength(2000);
      expect(await world.dais.call('data.query', { sql: `select c0, c1999 from "${name}" order by c0` })).toMatchObject(
        {
          rows: [
            [0, 1999],
            [1, 2000],
          ],
        },
      );
      const { problems } = await refused({ 'a.csv': wide(10_000) });
      expect(problems[0]?.message).toContain('10000 columns');
      expect(problems[0]?.message).toContain('query.memoryMb');
    },
    PATIENCE_MS,
  );
});

test(
  'one line of 1 GiB ends early without additional memory',
  async () => {
    const longest: Record<string, number> = {};
    for (const [format, start] of [
      ['csv', 'a\n'],
      ['ndjson', '{"a":"'],
    ] as const) {
      const path = join(world.folder, `long.${format}`);
      await writeFile(path, start);
      // A sparse file takes no space on the disk.
      await truncate(path, 2 ** 30);
      const table = { files: [{ path, name: `long.${format}`, format }] };
      const failure = await expectFailure(
        world.engine.run({ tables: { t: table }, query: scan('t'), output: { type: 'none' } }),
      );
      expect([failure.code, failure.errors[0]?.file]).toEqual(['data_invalid', `long.${format}`]);
      for (const pid of world.engine.state().pids) {
        const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
        longest[format] = Math.max(longest[format] ?? 0, Number(peak) / 1024);
      }
    }
    expect(Math.max(...Object.values(longest))).toBeLessThan(900);
  },
  PATIENCE_MS,
);

test(
  'reads in another process',
  async () => {
    const path = join(world.folder, 'wide.csv');
    const names = Array.from({ length: 500 }, (_, n) => `c${n}`);
    const line = names.map((_, n) => n).join(',');
    await writeFile(path, `${names.join(',')}\n${`${line}\n`.repeat(2000)}`);
    const before = process.cpuUsage();
    const { usage } = await world.engine.run({
      tables: { t: { files: [{ path, format: 'csv' }] } },
      query: scan('t'),
      output: { type: 'none' },
    });
    const { user, system } = process.cpuUsage(before);
    expect(usage.cpuMs).toBeGreaterThan(0);
    expect((user + system) / 1000).toBeLessThan(usage.cpuMs / 2);
  },
  PATIENCE_MS,
);
