import { expect, test } from 'vitest';
import { countTests, scoreOf, scoreTable, totalsOf, type TestResult } from './score.ts';

const result = (test: string, outcome: TestResult['outcome'], detail = ''): TestResult => ({ test, outcome, detail });
const results = [
  result('tests/a.py::test_one', 'passed'),
  result('tests/a.py::test_two[x]', 'failed', 'E assert'),
  result('tests/a.py::test_three', 'excluded', 'needs a gateway'),
  result('tests/b.py::test_four', 'passed'),
  result('tests/b.py::test_five', 'skipped'),
  result('tests/b.py::test_six', 'passed'),
];
const suite = { files: [], excluded: [], different: [{ tests: 'test_two', reason: 'Dais refuses it.' }] };
const score = scoreOf(results, suite, { date: '2026-12-01', checkout: '3.11', client: '3.17', server: 'Dais' });

test('the score counts tests by file, and explains failures and exclusions', () => {
  expect(score).toMatchObject({
    files: [
      { file: 'tests/a.py', passed: 1, failed: 1, excluded: 1 },
      { file: 'tests/b.py', passed: 2, failed: 0, excluded: 0 },
    ],
    failed: [{ test: 'tests/a.py::test_two[x]', reason: 'Dais refuses it.' }],
    excluded: [{ reason: 'needs a gateway', tests: 1 }],
  });
  expect(totalsOf(score)).toEqual({ passed: 3, failed: 1, excluded: 1, percent: '75.0' });
  expect(countTests(results)).toBe('3 passed, 1 failed, 1 excluded, 1 skipped');
});

test('the table names versions, totals and reasons', () => {
  const text = scoreTable(score);
  expect(text).toContain('Tests of MLflow 3.11, client 3.17, server Dais, 2026-12-01');
  expect(text).toContain('75.0 % of 4 tests pass.');
  expect(text).toContain('failed: tests/a.py::test_two[x] (Dais refuses it.)');
  expect(text).toContain('excluded, 1: needs a gateway');
});
