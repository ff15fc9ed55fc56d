/** Suite: summaries of numeric columns. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { summarizeNumbers, type NumberSummary } from '#lib/statistics/column-summary.ts';
import { cast, column, named, scan } from './model/build.ts';
import type { Relation } from './model/query-tree.ts';
import { SILENT_NAN } from './silent-nan.testing.ts';
import { type Bench, expectFailure } from './suite-bench.testing.ts';

const ROWS = 6000;
const CUTS = [-1, 0, 2.5, 40];

export function summaryTests(bench: Bench): void {
  describe('summaries of numeric columns', () => {
    const cells = Array.from({ length: ROWS }, (_, n) => {
      const x =
        n % 97 === 0 ? '' : n % 101 === 0 ? 'nan' : n % 103 === 0 ? 'inf' : String(((n * 7919) % 1009) / 10 - 20);
      return { x, few: String(n % 3), huge: n % 2 === 0 ? '1e200' : '-3e200' };
    });
    const numberOf = (text: string) =>
      text === '' ? null : text === 'nan' ? Number.NaN : text === 'inf' ? Infinity : Number(text);
    const expected = (of: 'x' | 'few' | 'huge', edges: readonly number[]) => {
      const { values: _, ...summary } = summarizeNumbers(
        cells.map((cell) => numberOf(cell[of])),
        edges,
      );
      return summary;
    };
    const ask = async (share: number | undefined, columns = ['x', 'few', 'huge']) => {
      const text = `x,few,huge\n${cells.map(({ x, few, huge }) => `${x},${few},${huge}`).join('\n')}\n`;
      const query: Relation = {
        type: 'project',
        from: scan('t'),
        columns: columns.map((name) => named(name, cast(column(name), 'float64'))),
      };
      const result = await bench.engine.run({
        tables: { t: { files: [await bench.file(text)] } },
        query,
        output: { type: 'summary', edges: { x: { edges: CUTS, lattice: 'spread' } }, ...(share && { share }) },
      });
      expect(result.rows).toEqual([]);
      return new Map(result.columns.map(({ name }, at) => [name, result.summaries?.[at] as NumberSummary]));
    };
    const near = ({ count, nulls, nans, infinities, min, max, mean = 0, squares }: NumberSummary) => ({
      exact: { count, nulls, nans, infinities, min, max },
      mean: Number(mean.toPrecision(9)),
      squares: Number(squares.toPrecision(9)),
    });

    test('counts all rows in given and in computed bins', async () => {
      const found = await ask(undefined);
      const x = expected('x', CUTS);
      expect(found.get('x')?.bins).toEqual(x.bins);
      expect(near(found.get('x') as NumberSummary)).toEqual(near(x));
      expect(found.get('few')).toMatchObject({
        lattice: 'values',
        bins: { edges: [0, 1], counts: [2000, 2000, 2000] },
      });
    });

    test('a sample counts the same rows each time, and uses all rows for moments', async () => {
      const found = await ask(0.25, ['x', 'few']);
      expect(near(found.get('x') as NumberSummary)).toEqual(near(expected('x', CUTS)));
      const counts = found.get('few')?.bins.counts ?? [];
      const counted = counts.reduce((sum, n) => sum + n, 0);
      expect(Math.abs(counted / ROWS - 0.25)).toBeLessThan(0.03);
      for (const n of counts) expect(Math.abs(n / counted - 1 / 3)).toBeLessThan(0.06);
      expect(await ask(0.25, ['x', 'few'])).toEqual(found);
    });

    test('counts values whose squares overflow', async () => {
      const found = (await ask(0.25)).get('huge');
      expect(found).toMatchObject({ count: ROWS, min: -3e200, max: 1e200, mean: expect.closeTo(-1e200, -195) });
      expect(found?.bins.counts.reduce((sum, n) => sum + n, 0)).toBe(ROWS);
    });

    test('counts NaN in a file whose statistics omit it, and keeps all moments', async () => {
      const path = join(bench.folder, 'silent.parquet');
      await writeFile(path, SILENT_NAN);
      const { summaries } = await bench.engine.run({
        tables: { t: { files: [{ path, format: 'parquet' }] } },
        query: scan('t'),
        output: { type: 'summary', share: 0.9 },
      });
      expect(summaries).toMatchObject([{ count: 4, nulls: 1, nans: 1, infinities: 0, min: 1, max: 3, mean: 2 }]);
      expect(summaries?.[0]?.squares).toBeCloseTo(2, 12);
    });

    test('rejects a column that is not float64 by name', async () => {
      const job = { tables: { t: { files: [await bench.file('n\n1\n2\n')] } }, query: scan('t') };
      const failure = await expectFailure(bench.engine.run({ ...job, output: { type: 'summary' } }));
      expect(failure).toMatchObject({ code: 'query_invalid', message: expect.stringContaining('`n`') });
    });
  });
}
