import { expect, test } from 'vitest';
import { pageSql, summarySql, type PredictionFilter } from './prediction-sql.ts';

const all: PredictionFilter = { state: 'given', version: '', variant: '', column: '', value: '' };

test('without a filter, the newest predictions come first, without shadow predictions', () => {
  expect(pageSql(all, undefined, 100)).toBe(
    'select * from labeled\nwhere shadow_of is null\norder by prediction_id desc, row\nlimit 100',
  );
});

test('typed text stays a value', () => {
  const sql = pageSql({ ...all, version: "7' or 1=1", column: 'in_"x', value: "O'Hare" }, undefined, 1);
  expect(sql).toContain("version = '7'' or 1=1'");
  expect(sql).toContain(`cast("in_""x" as varchar) in ('O''Hare', 'O''Hare.0')`);
  expect(summarySql({ ...all, state: 'failed' })).toContain('status >= 400');
});

test('the next page starts after the last row, also within one request', () => {
  expect(pageSql(all, { id: 'a', row: 3 }, 10)).toContain("(prediction_id < 'a' or (prediction_id = 'a' and row > 3))");
});
