import { expect, test } from 'vitest';
import { countsLine, readReport, withoutPassed } from './vitest-run.mjs';

test('tests are counted from vitest’s report; skipped are those pending and to do', () => {
  const report = { numPassedTests: 12, numFailedTests: 1, numPendingTests: 2, numTodoTests: 1 };
  const counts = readReport(JSON.stringify(report));
  expect(counts).toEqual({ passed: 12, failed: 1, skipped: 3 });
  expect(countsLine(counts)).toBe('12 passed, 1 failed, 3 skipped');
});

test('passed tests are left out of what a failed run shows', () => {
  expect(withoutPassed(' ✓ |unit| a.test.ts (2 tests)\n   ✓ one 300ms\n   × two\nError: ✓ inside')).toBe(
    '   × two\nError: ✓ inside',
  );
});
