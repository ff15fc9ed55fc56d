import { expect, test } from 'vitest';
import { excludedOf, fileScore, mergeScores, scoreTable, totalsOf, type TestResult } from './score.ts';

const result = (test: string, outcome: TestResult['outcome'], detail = ''): TestResult => ({ test, outcome, detail });
const suite = { files: ['a.py', 'b.py'], different: [{ tests: 'test_two', reason: 'Dais rejects it.' }] };
const first = fileScore(
  'a.py',
  [
    result('a.py::test_one', 'passed'),
    result('a.py::test_two[x]', 'failed', 'E assert'),
    result('a.py::test_three', 'excluded', 'needs a gateway'),
    result('a.py::test_five', 'skipped'),
  ],
  suite,
);
const second = fileScore(
  'b.py',
  [result('b.py::test_four', 'passed'), result('b.py::test_six', 'excluded', 'needs a gateway')],
  suite,
);
const of = (...files: readonly (typeof first)[]) => ({ date: '2026-12-01', checkout: '3.11', client: '3.17', files });

test('the score counts tests by file, and explains failures and exclusions', () => {
  expect(first).toEqual({
    file: 'a.py',
    passed: 1,
    failed: [{ test: 'a.py::test_two[x]', reason: 'Dais rejects it.' }],
    excluded: [{ reason: 'needs a gateway', tests: 1 }],
  });
  expect(totalsOf([first, second])).toEqual({ passed: 2, failed: 1, excluded: 2, percent: '66.7' });
  expect(excludedOf([first, second])).toEqual([{ reason: 'needs a gateway', tests: 2 }]);
});

test('a run of some files replaces them in the score', () => {
  const before = of({ ...first, passed: 9 }, second);
  expect(mergeScores(before, of(first), suite)).toEqual(of(first, second));
});

test('the table names versions, totals and reasons', () => {
  const text = scoreTable(of(first, second), 'Dais');
  expect(text).toContain('Tests of MLflow 3.11, client 3.17, server Dais, 2026-12-01');
  expect(text).toContain('66.7 % of 3 tests pass.');
  expect(text).toContain('failed: a.py::test_two[x] (Dais rejects it.)');
  expect(text).toContain('excluded, 2: needs a gateway');
});
