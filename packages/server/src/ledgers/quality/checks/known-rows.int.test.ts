/** Results of expectations on constructed rows. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { columns, DAY, given, moment, resultOf, START, firstResult } from '../testing/check-cases.ts';
import { contextOf, startQueryWorld, type QueryWorld, type Row, type TestTable } from '../testing/query-world.ts';
import { runChecks } from './run-checks.ts';

let world: QueryWorld;
beforeAll(async () => {
  world = await startQueryWorld();
});
afterAll(async () => {
  await world.stop();
});

const many = (count: number, row: (i: number) => Row): TestTable => ({
  columns,
  rows: Array.from({ length: count }, (_, i) => row(i)),
});
const blank: Row = { id: null, n: null, x: null, word: null, split: 'train', label: null, at: null };

describe('leakage', () => {
  const leaky = many(400, (i) => ({
    ...blank,
    id: i,
    n: (i * 7) % 5,
    x: i % 2 === 0 ? 1 + i / 1000 : -1 - i / 1000,
    word: `w${i % 2}`,
    label: i % 2 === 0 ? 'yes' : 'no',
  }));

  test('finds a column that predicts the label, and no other', async () => {
    const result = await resultOf(world, { type: 'leakage', label: 'label', columns: ['id', 'n', 'x', 'word'] }, leaky);
    const broken = result.findings.filter(({ anomaly }) => anomaly !== undefined);
    expect(broken.map(({ column, anomaly }) => [column, anomaly])).toEqual([
      ['x', 'LEAK_FEATURE_PREDICTS_LABEL'],
      ['word', 'LEAK_FEATURE_PREDICTS_LABEL'],
    ]);
  });

  test('finds an id in the order of the label', async () => {
    const sorted = many(300, (i) => ({ ...blank, id: i, label: i < 150 ? 'no' : 'yes' }));
    const { findings } = await resultOf(world, { type: 'leakage', label: 'label', columns: ['id'] }, sorted, {
      keys: ['id'],
    });
    expect(findings[0]).toMatchObject({
      column: 'id',
      anomaly: 'LEAK_ID_PREDICTS_LABEL',
      value: expect.closeTo(1, 2) as number,
    });
  });

  test('does not report a text id; supports more than two classes', async () => {
    const table = many(300, (i) => ({ ...blank, word: `id-${i}`, n: i % 3, label: ['a', 'b', 'c'][i % 3] ?? '' }));
    const { findings } = await resultOf(world, { type: 'leakage', label: 'label', columns: ['word', 'n'] }, table);
    expect(findings.map(({ column, anomaly }) => [column, anomaly])).toEqual([
      ['n', 'LEAK_FEATURE_PREDICTS_LABEL'],
      ['word', undefined],
    ]);
  });
});

describe('drift', () => {
  const shifted = (by: number) => many(1000, (i) => ({ ...blank, x: ((i * 37) % 1000) / 100 + by }));

  test.each(['jsd_log2', 'js_distance_ln', 'psi', 'l_infinity', 'ks'] as const)(
    '%s is small for equal rows and large for different ones',
    async (metric) => {
      const same = await firstResult(world, { type: 'drift', columns: ['x'], metric, atMost: 0.05 }, shifted(0), {
        before: shifted(0),
      });
      expect(same.value).toBeCloseTo(0, 6);
      const far = await resultOf(world, { type: 'drift', columns: ['x'], metric, atMost: 0.05 }, shifted(4), {
        before: shifted(0),
      });
      expect(far.outcome).toBe('failed');
      expect(far.findings[0]?.value).toBeGreaterThan(0.25);
    },
  );

  test('KS of numbers', async () => {
    const { findings } = await resultOf(world, { type: 'drift', columns: ['x'], metric: 'ks' }, shifted(4), {
      before: shifted(0),
    });
    expect(findings[0]?.value).toBeCloseTo(0.4, 1);
  });

  test('the first version has no drift', async () => {
    expect((await resultOf(world, { type: 'drift' }, shifted(0))).outcome).toBe('passed');
  });

  test('training and serving', async () => {
    const { findings } = await resultOf(
      world,
      { type: 'servingSkew', serving: 'served@1', columns: ['x'] },
      shifted(0),
      {
        others: { 'served@1': shifted(9) },
      },
    );
    expect(findings[0]?.anomaly).toBe('SKEW_TRAINING_SERVING');
  });

  test('finds skewed columns of splits, and labels that training lacks', async () => {
    const table = many(400, (i) => ({
      ...blank,
      split: i % 2 === 0 ? 'train' : 'test',
      x: i % 2 === 0 ? i / 40 : 20 + i / 40,
      n: i % 4 < 2 ? 1 : 2,
      label: i === 1 ? 'new' : 'old',
    }));
    const { findings } = await resultOf(
      world,
      { type: 'splitSkew', split: 'split', reference: 'train', columns: ['x', 'n'] },
      table,
      { label: 'label' },
    );
    expect(
      findings.filter(({ anomaly }) => anomaly !== undefined).map(({ column, anomaly }) => [column, anomaly]),
    ).toEqual([
      ['x', 'SPLIT_SKEW'],
      ['label', 'SPLIT_NEW_LABEL'],
    ]);
  });
});

describe('schema, volume, freshness', () => {
  const table = many(10, (i) => ({ ...blank, id: i, at: moment(i) }));

  test('schema', async () => {
    const { findings } = await resultOf(
      world,
      { type: 'schema', columns: { id: 'integer', n: 'string', gone: 'date' } },
      table,
    );
    const broken = findings
      .filter(({ anomaly }) => anomaly !== undefined)
      .map(({ column, anomaly }) => `${column} ${anomaly}`);
    expect(broken.slice(0, 3)).toEqual(['n UNEXPECTED_DATA_TYPE', 'gone SCHEMA_MISSING_COLUMN', 'x SCHEMA_NEW_COLUMN']);
    const kept = {
      type: 'schema',
      columns: { id: 'integer', n: 'number', at: 'timestamp' },
      extra: 'allow',
      ordered: true,
    };
    expect((await resultOf(world, kept, table)).outcome).toBe('passed');
    const turned = { type: 'schema', columns: { n: 'number', id: 'integer' }, extra: 'allow', ordered: true };
    expect((await resultOf(world, turned, table)).findings[0]?.anomaly).toBe('SCHEMA_COLUMN_ORDER');
  });

  test('row counts', async () => {
    expect((await resultOf(world, { type: 'rowCount', min: 10, max: 10 }, table)).outcome).toBe('passed');
    expect((await resultOf(world, { type: 'rowCount', min: 6, where: 'id < 5' }, table)).findings[0]?.anomaly).toBe(
      'DATASET_LOW_NUM_EXAMPLES',
    );
    const before = many(40, () => blank);
    expect((await resultOf(world, { type: 'rowCountChange', min: 0.5 }, table, { before })).findings[0]?.anomaly).toBe(
      'COMPARATOR_LOW_NUM_EXAMPLES',
    );
  });

  test('age of the newest row', async () => {
    const createdAt = START + 10 * DAY;
    const fresh = { createdAt, eventTime: 'at' };
    expect((await resultOf(world, { type: 'freshness', withinHours: 24 }, table, fresh)).outcome).toBe('passed');
    expect((await resultOf(world, { type: 'freshness', withinHours: 23 }, table, fresh)).findings[0]).toMatchObject({
      anomaly: 'DATASET_STALE',
      value: 24,
    });
  });

  test('columns without values', async () => {
    const { findings } = await resultOf(world, { type: 'presence', columns: ['id', 'word', 'gone'] }, table);
    expect(findings.slice(0, 2).map(({ anomaly }) => anomaly)).toEqual([
      'SCHEMA_MISSING_COLUMN',
      'FEATURE_TYPE_NOT_PRESENT',
    ]);
  });
});

describe('an invalid check is an error of that expectation only', () => {
  const table = many(5, (i) => ({ ...blank, id: i, word: 'a' }));

  test.each([
    [{ type: 'range', columns: ['word'], min: 3 }],
    [{ type: 'pattern', columns: ['id'], pattern: 'a' }],
    [{ type: 'pattern', columns: ['word'], pattern: '(' }],
    [{ type: 'sql', query: 'select nothing from nowhere' }],
    [{ type: 'sql', query: "select * from read_csv('/etc/passwd')" }],
    [{ type: 'sql', query: 'select 1; drop table data' }],
    [{ type: 'domain', columns: ['word'], values: ['a'], where: '1 = 1) or (select count(*) from elsewhere' }],
    [{ type: 'reference', columns: ['id'], in: 'nowhere@1' }],
    [{ type: 'balance' }],
  ])('%j', async (wrong) => {
    const results = await runChecks(
      [given({ type: 'completeness', columns: ['id'] }), given(wrong)],
      contextOf(world, table),
    );
    expect(results.map(({ outcome }) => outcome)).toEqual(['error', 'passed']);
    expect(results[0]?.message).not.toBe('');
  });

  test('a missing column fails the expectation', async () => {
    const result = await resultOf(world, { type: 'range', columns: ['gone'], min: 3 }, table);
    expect(result).toMatchObject({
      outcome: 'failed',
      findings: [{ column: 'gone', anomaly: 'SCHEMA_MISSING_COLUMN' }],
    });
  });
});

test('returns rows that violate an expectation, relevant columns first', async () => {
  const table = many(50, (i) => ({ ...blank, id: i, n: i % 2 === 0 ? -1 : 1 }));
  const { sample } = await resultOf(world, { type: 'range', columns: ['n'], min: 0 }, table);
  expect(sample).toMatchObject({ columns: ['n', 'id', 'x', 'word', 'split', 'label', 'at'], total: 25 });
  expect(sample?.rows).toHaveLength(20);
  expect(sample?.rows.every(([n]) => n === -1)).toBe(true);
});
