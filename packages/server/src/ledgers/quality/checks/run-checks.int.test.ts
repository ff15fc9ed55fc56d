/** Compares each expectation with a reference model on random rows. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { columns, DAY, moment, resultOf, START, firstResult } from '../testing/check-cases.ts';
import { startQueryWorld, type QueryWorld, type Row, type TestTable, type Value } from '../testing/query-world.ts';

let world: QueryWorld;
beforeAll(async () => {
  world = await startQueryWorld();
});
afterAll(async () => {
  await world.stop();
});

const optional = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: null, freq: 4 });
const rowOf: fc.Arbitrary<Row> = fc.record({
  id: optional(fc.integer({ min: 0, max: 12 })),
  n: optional(fc.integer({ min: -5, max: 5 })),
  x: optional(fc.integer({ min: -20, max: 20 }).map((value) => value / 4)),
  word: optional(fc.constantFrom('', 'a', 'ab', 'A1', '7', ' 7', '1.5', 'true', '2026-01-01', 'ü', 'x\ny')),
  split: fc.constantFrom('train', 'test'),
  label: optional(fc.constantFrom('yes', 'no', 'maybe')),
  at: optional(fc.integer({ min: 0, max: 9 }).map(moment)),
});
const tableOf: fc.Arbitrary<TestTable> = fc.array(rowOf, { maxLength: 30 }).map((rows) => ({ columns, rows }));

const RUNS = { numRuns: 8 };

const grouped = <T>(items: readonly T[], keyOf: (item: T) => unknown) => [...Map.groupBy(items, keyOf).values()];
const valuesOf = (table: TestTable, column: string) => table.rows.map((row) => row[column] ?? null);
const present = (values: readonly Value[]) => values.filter((value) => value !== null);
const outcomeOf = (broken: number, rows: number, atLeast: number) =>
  rows === 0 || broken <= (1 - atLeast) * rows + 1e-9 ? 'passed' : 'failed';
/** Compares two numbers to nine digits, or both missing. */
const areNear = ([shown, model]: readonly (number | null | undefined)[]) =>
  (shown ?? null) === (model ?? null) || Math.abs((shown ?? NaN) - (model ?? NaN)) < 5e-10;
const shares = fc.constantFrom(1, 0.9, 0.5);

describe('expectations per row', () => {
  interface RowCase {
    readonly name: string;
    readonly expectation: Readonly<Record<string, unknown>>;
    readonly column: string;
    readonly passes: (value: Value) => boolean;
  }
  const cases: readonly RowCase[] = [
    {
      name: 'domain of texts',
      expectation: { type: 'domain', columns: ['word'], values: ['a', '7', ''] },
      column: 'word',
      passes: (v) => ['a', '7', ''].includes(String(v)),
    },
    {
      name: 'domain of numbers',
      expectation: { type: 'domain', columns: ['n'], values: [1, 2, -5] },
      column: 'n',
      passes: (v) => [1, 2, -5].includes(Number(v)),
    },
    {
      name: 'range of numbers',
      expectation: { type: 'range', columns: ['x'], min: -2.5, max: 3 },
      column: 'x',
      passes: (v) => Number(v) >= -2.5 && Number(v) <= 3,
    },
    {
      name: 'range with one bound',
      expectation: { type: 'range', columns: ['n'], min: 0 },
      column: 'n',
      passes: (v) => Number(v) >= 0,
    },
    {
      name: 'range of times',
      expectation: { type: 'range', columns: ['at'], min: '2026-01-03', max: moment(6) },
      column: 'at',
      passes: (v) => Date.parse(String(v)) >= START + 2 * DAY && Date.parse(String(v)) <= START + 6 * DAY,
    },
    {
      name: 'pattern, as a whole',
      expectation: { type: 'pattern', columns: ['word'], pattern: '[a-zA-Z]\\d?' },
      column: 'word',
      passes: (v) => /^(?:[a-zA-Z]\d?)$/.test(String(v)),
    },
    {
      name: 'length in characters',
      expectation: { type: 'length', columns: ['word'], min: 1, max: 2 },
      column: 'word',
      passes: (v) => /^[^]{1,2}$/u.test(String(v)),
    },
    {
      name: 'reads as integer',
      expectation: { type: 'parses', columns: ['word'], as: 'integer' },
      column: 'word',
      passes: (v) => /^ *[+-]?\d+ *$/.test(String(v)),
    },
    {
      name: 'reads as date',
      expectation: { type: 'parses', columns: ['word'], as: 'date' },
      column: 'word',
      passes: (v) => v === '2026-01-01',
    },
    {
      name: 'not in the future',
      expectation: { type: 'futureTime', columns: ['at'] },
      column: 'at',
      passes: () => true,
    },
  ];
  test.each(cases.map((one) => [one.name, one] as const))('%s', async (_name, { expectation, column, passes }) => {
    await fc.assert(
      fc.asyncProperty(tableOf, shares, async (table, atLeast) => {
        const values = present(valuesOf(table, column));
        const broken = values.filter((value) => !passes(value)).length;
        expect(await firstResult(world, { ...expectation, atLeast }, table)).toMatchObject({
          outcome: outcomeOf(broken, values.length, atLeast),
          rows: values.length,
          broken,
        });
      }),
      RUNS,
    );
  });

  test('completeness', async () => {
    await fc.assert(
      fc.asyncProperty(tableOf, shares, fc.integer({ min: 0, max: 12 }), async (table, atLeast, minCount) => {
        const nulls = valuesOf(table, 'word').filter((value) => value === null).length;
        const rows = table.rows.length;
        const expected = outcomeOf(nulls, rows, atLeast) === 'passed' && rows - nulls >= minCount ? 'passed' : 'failed';
        const found = await firstResult(world, { type: 'completeness', columns: ['word'], atLeast, minCount }, table);
        expect(found).toMatchObject({ outcome: expected, rows, broken: nulls });
      }),
      RUNS,
    );
  });

  test('rows that match a condition', async () => {
    await fc.assert(
      fc.asyncProperty(tableOf, async (table) => {
        const rows = table.rows.filter((row) => typeof row['n'] === 'number' && row['n'] > 0 && row['word'] !== null);
        const broken = rows.filter((row) => row['word'] !== 'a').length;
        const where = 'n > 0 -- and nothing else';
        const found = await firstResult(world, { type: 'domain', columns: ['word'], values: ['a'], where }, table);
        expect(found).toMatchObject({ rows: rows.length, broken });
      }),
      RUNS,
    );
  });
});

describe('expectations over all rows', () => {
  const keyOf = (row: Row, names: readonly string[]) => JSON.stringify(names.map((name) => row[name] ?? null));
  const repeated = (keys: readonly string[]) => keys.length - new Set(keys).size;

  test('unique keys of one and of several columns', async () => {
    await fc.assert(
      fc.asyncProperty(tableOf, fc.constantFrom(['id'], ['id', 'n']), shares, async (table, names, atLeast) => {
        const whole = table.rows.filter((row) => names.every((name) => row[name] !== null));
        const broken = repeated(whole.map((row) => keyOf(row, names)));
        const result = await resultOf(world, { type: 'unique', columns: names, atLeast }, table);
        expect(result).toMatchObject({ outcome: outcomeOf(broken, whole.length, atLeast) });
        expect(result.findings[0]).toMatchObject({ rows: whole.length, broken });
        expect((result.sample?.rows.length ?? 0) > 1).toBe(result.outcome === 'failed');
      }),
      RUNS,
    );
  });

  test('duplicates: NULL counts as a value', async () => {
    await fc.assert(
      fc.asyncProperty(tableOf, async (table) => {
        const names = ['n', 'label'];
        const broken = repeated(table.rows.map((row) => keyOf(row, names)));
        const found = await firstResult(world, { type: 'duplicates', columns: names, atMost: 0.5 }, table);
        expect(found).toMatchObject({
          rows: table.rows.length,
          broken,
          outcome: outcomeOf(broken, table.rows.length, 0.5),
        });
      }),
      RUNS,
    );
  });

  test('reference to another version', async () => {
    await fc.assert(
      fc.asyncProperty(tableOf, tableOf, async (table, other) => {
        const whole = table.rows.filter((row) => row['id'] !== null && row['word'] !== null);
        const known = new Set(
          other.rows.filter((row) => row['n'] !== null && row['word'] !== null).map((row) => keyOf(row, ['n', 'word'])),
        );
        const broken = whole.filter((row) => !known.has(keyOf(row, ['id', 'word']))).length;
        const found = await firstResult(
          world,
          { type: 'reference', columns: ['id', 'word'], in: 'other@1', to: ['n', 'word'] },
          table,
          { others: { 'other@1': other } },
        );
        expect(found).toMatchObject({ rows: whole.length, broken });
      }),
      RUNS,
    );
  });

  test('conflicting labels', async () => {
    await fc.assert(
      fc.asyncProperty(tableOf, async (table) => {
        const labeled = table.rows.filter((row) => row['label'] !== null);
        const broken = grouped(labeled, (row) => keyOf(row, ['n']))
          .filter((rows) => new Set(rows.map((row) => row['label'])).size > 1)
          .reduce((sum, rows) => sum + rows.length, 0);
        const found = await firstResult(world, { type: 'labelConflict', label: 'label', columns: ['n'] }, table);
        expect(found).toMatchObject({ rows: labeled.length, broken });
      }),
      RUNS,
    );
  });

  test('rows in two splits', async () => {
    await fc.assert(
      fc.asyncProperty(tableOf, async (table) => {
        const broken = grouped(table.rows, (row) => keyOf(row, ['id', 'n']))
          .filter((rows) => new Set(rows.map((row) => row['split'])).size > 1)
          .reduce((sum, rows) => sum + rows.length, 0);
        const found = await firstResult(world, { type: 'splitOverlap', split: 'split', columns: ['id', 'n'] }, table);
        expect(found).toMatchObject({ broken, outcome: broken > 0 ? 'failed' : 'passed' });
      }),
      RUNS,
    );
  });

  test('rows that also occur in another version', async () => {
    await fc.assert(
      fc.asyncProperty(tableOf, tableOf, async (table, other) => {
        const known = new Set(other.rows.map((row) => keyOf(row, ['id', 'n'])));
        const broken = table.rows.filter((row) => known.has(keyOf(row, ['id', 'n']))).length;
        const expectation = { type: 'splitOverlap', with: 'test@1', columns: ['id', 'n'] };
        expect(await firstResult(world, expectation, table, { others: { 'test@1': other } })).toMatchObject({ broken });
      }),
      RUNS,
    );
  });

  test('balance and classes', async () => {
    await fc.assert(
      fc.asyncProperty(tableOf, async (table) => {
        const counts = grouped(present(valuesOf(table, 'label')), (value) => value).map((rows) => rows.length);
        const ratio = counts.length === 0 ? 0 : Math.min(...counts) / Math.max(...counts);
        const balance = await firstResult(world, { type: 'balance', column: 'label', atLeast: 0.4 }, table);
        expect(balance.value).toBeCloseTo(ratio, 12);
        expect(balance.outcome).toBe(ratio >= 0.4 ? 'passed' : 'failed');
        const classes = await resultOf(
          world,
          { type: 'classes', column: 'label', values: ['yes', 'no'], split: 'split', minRows: 2 },
          table,
        );
        const splits = [...new Set(valuesOf(table, 'split'))];
        const enough = splits.every((split) =>
          ['yes', 'no'].every(
            (label) => table.rows.filter((row) => row['split'] === split && row['label'] === label).length >= 2,
          ),
        );
        expect(classes.outcome).toBe(enough ? 'passed' : 'failed');
      }),
      RUNS,
    );
  });

  test('statistics of a column', async () => {
    await fc.assert(
      fc.asyncProperty(
        tableOf,
        fc.constantFrom('min', 'max', 'mean', 'sum', 'stddev', 'median'),
        async (table, statistic) => {
          const values = present(valuesOf(table, 'x'))
            .map(Number)
            .toSorted((a, b) => a - b);
          const sum = values.reduce((a, b) => a + b, 0);
          const mean = sum / values.length;
          const model = {
            min: values[0],
            max: values.at(-1),
            mean: values.length === 0 ? undefined : mean,
            sum: values.length === 0 ? undefined : sum,
            stddev:
              values.length < 2
                ? undefined
                : Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / (values.length - 1)),
            median:
              values.length === 0
                ? undefined
                : ((values[Math.floor((values.length - 1) / 2)] ?? 0) +
                    (values[Math.ceil((values.length - 1) / 2)] ?? 0)) /
                  2,
          }[statistic];
          const found = await firstResult(
            world,
            { type: 'statistic', columns: ['x'], statistic, min: -1, max: 1 },
            table,
          );
          expect([found.value, model]).toSatisfy(areNear);
          expect(found.outcome).toBe(model !== undefined && model >= -1 && model <= 1 ? 'passed' : 'failed');
        },
      ),
      RUNS,
    );
  });

  test('splits by time', async () => {
    await fc.assert(
      fc.asyncProperty(tableOf, async (table) => {
        const times = (split: string) =>
          present(table.rows.filter((row) => row['split'] === split).map((row) => row['at'] ?? null)).map((text) =>
            Date.parse(String(text)),
          );
        const [train, late] = [times('train'), times('test')];
        const kept = train.length > 0 && late.length > 0 && Math.max(...train) <= Math.min(...late);
        const found = await resultOf(
          world,
          { type: 'splitTime', split: 'split', order: ['train', 'test'], column: 'at' },
          table,
        );
        expect(found.outcome).toBe(kept ? 'passed' : 'failed');
      }),
      RUNS,
    );
  });

  test('a custom query', async () => {
    await fc.assert(
      fc.asyncProperty(tableOf, async (table) => {
        const broken = table.rows.filter((row) => Number(row['n']) > 2 && row['n'] !== null).length;
        const found = await firstResult(world, { type: 'sql', query: 'select * from data where n > 2' }, table);
        expect(found).toMatchObject({ broken, outcome: broken > 0 ? 'failed' : 'passed' });
      }),
      RUNS,
    );
  });

  test('drift of classes is the distance between their shares', async () => {
    await fc.assert(
      fc.asyncProperty(tableOf, tableOf, async (table, before) => {
        const shareOf = (of: TestTable, value: Value) => {
          const values = present(valuesOf(of, 'label'));
          return values.length === 0 ? Number.NaN : values.filter((one) => one === value).length / values.length;
        };
        const distance = Math.max(
          ...['yes', 'no', 'maybe'].map((value) => Math.abs(shareOf(table, value) - shareOf(before, value))),
        );
        const found = await firstResult(
          world,
          { type: 'drift', columns: ['label'], metric: 'l_infinity', atMost: 0.3 },
          table,
          {
            before,
          },
        );
        expect([found.value, Number.isNaN(distance) ? undefined : distance]).toSatisfy(areNear);
      }),
      RUNS,
    );
  });
});
