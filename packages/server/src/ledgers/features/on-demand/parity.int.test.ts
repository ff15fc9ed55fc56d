/** Compares the server's result for each row with the query engine's result for all rows. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseExpression, type ValueType } from '@dais/api/data';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DuckdbQuery } from '#engines/query/duckdb/duckdb-query.ts';
import { column, named, scan } from '#engines/query/model/build.ts';
import type { LiteralValue } from '#engines/query/model/query-tree.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { readValue, type Value } from '../values/cells.ts';
import { compileExpression, plainOf, valueOf } from './compile.ts';
import { renderExpression, renderResult } from './render.ts';

const types = { n: 'float64', i: 'int64', s: 'string', b: 'boolean', t: 'timestamp' } as const;
const rows: readonly (readonly Value[])[] = [
  [1.5, 3, 'Abc', true, '2026-11-01T06:00:00.000001Z'],
  [-2.5, -7, '', false, '1969-12-31T23:59:59.999999Z'],
  [0, 0, ' ä😀 ', null, null],
  ['NaN', '9007199254740993', 'abc', true, null],
  ['Infinity', null, null, null, '2026-11-01T06:00:00.000000Z'],
  ['-Infinity', 2, 'ÄB', false, null],
  [null, null, null, null, null],
  [0.5, 5, 'a', true, null],
  [1e300, 1, 'z', false, null],
];
const expressions: readonly (readonly [string, ValueType])[] = [
  ['n + i * 2 - 1', 'float64'],
  ['n / i', 'float64'],
  ['n % i', 'float64'],
  ['-n', 'float64'],
  ['n', 'int32'],
  ['n * 3', 'int64'],
  ['n', 'float32'],
  ['abs(n)', 'float64'],
  ['floor(n)', 'float64'],
  ['ceil(n)', 'float64'],
  ['round(n)', 'float64'],
  ['sqrt(n)', 'float64'],
  ['ln(i)', 'float64'],
  ['power(n, 2)', 'float64'],
  ['n > i', 'boolean'],
  ['n = n', 'boolean'],
  ['n <= 1.5 or b', 'boolean'],
  ['not b and n > 0', 'boolean'],
  ['b is null', 'boolean'],
  ['least(n, i)', 'float64'],
  ['greatest(n, i, 0)', 'float64'],
  ['nullif(i, 0)', 'int64'],
  ['coalesce(n, i, -1)', 'float64'],
  ["s || '!'", 'string'],
  ['lower(s)', 'string'],
  ['upper(s)', 'string'],
  ['trim(s)', 'string'],
  ['length(s)', 'int32'],
  ["s < 'a'", 'boolean'],
  ["starts_with(s, 'A')", 'boolean'],
  ["contains(s, 'b')", 'boolean'],
  ["case when n > 1 then 'much' when n is null then null else 'little' end", 'string'],
  ["case s when 'a' then 1 when '' then 2 end", 'int32'],
  ['n between 0 and 1', 'boolean'],
  ["s in ('a', 'abc')", 'boolean'],
  ['epoch(t)', 'float64'],
  ['t is null or epoch(t) < 0', 'boolean'],
];

let engine: DuckdbQuery;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-expressions-'));
  engine = new DuckdbQuery({
    folder,
    log: silentLog,
    clock: systemClock,
    tempBytes: 2 ** 30,
    memoryBytes: 2 ** 29,
    threads: 1,
  });
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

test('both implementations return equal results for every expression and row', async () => {
  const names = Object.keys(types) as (keyof typeof types)[];
  const parsed = expressions.map(([text, type]) => {
    const found = parseExpression(text);
    if (!found.ok) throw new Error(`${text}: ${found.problem.message}`);
    return { text, type, expression: found.expression };
  });
  const columnInput = ({ name }: { readonly name: string }) => ({
    column: name,
    type: types[name as keyof typeof types],
  });
  const { rows: offline } = await engine.run({
    tables: {
      t: {
        columns: [{ name: 'place', type: 'int64' }, ...names.map((name) => ({ name, type: types[name] }))],
        rows: rows.map((row, at): LiteralValue[] => [at, ...(row as LiteralValue[])]),
      },
    },
    query: {
      type: 'project',
      from: { type: 'sort', from: scan('t'), by: [{ expression: column('place') }] },
      keep: 'none',
      columns: parsed.map(({ expression, type }, at) =>
        named(`e${at}`, renderResult(type, renderExpression(expression, columnInput))),
      ),
    },
    output: { type: 'rows', limit: 100 },
  });
  const online = rows.map((row) =>
    parsed.map(({ expression, type }) => {
      const plain = (name: string) =>
        plainOf(types[name as keyof typeof types], row[names.indexOf(name as keyof typeof types)] ?? null);
      return valueOf(
        type,
        compileExpression(expression)(({ name }) => plain(name)),
      );
    }),
  );
  const shown = (all: readonly (readonly unknown[])[]) =>
    all.flatMap((row, at) =>
      row.map((value, of) => `${parsed[of]?.text} of row ${at}: ${JSON.stringify(close(value))}`),
    );
  expect(shown(online)).toEqual(
    shown(offline.map((row) => row.map((value, of) => readValue(parsed[of]?.type ?? 'json', value)))),
  );
});

/** The last digit of a logarithm depends on the library. */
function close(value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value)
    ? Number(value.toPrecision(14))
    : value === 0
      ? 0
      : value;
}
