import { expect, test, vi } from 'vitest';
import { Claims } from '../benchmarks/lib/claims.mjs';
import { benchSummary, readClaims } from './bench-summary.mjs';

test('what a benchmark prints is what the summary reads', () => {
  const printed = vi.spyOn(console, 'log').mockReturnValue();
  const claims = new Claims();
  expect(claims.judge('create a run', true)).toBe('kept');
  expect(claims.judge('log-batch, 1,000 keys', false)).toBe('NOT KEPT');
  expect(claims.judge('memory', false)).toBe('NOT KEPT');
  claims.end();
  const output = printed.mock.calls.join('\n');
  printed.mockRestore();
  expect(readClaims(output)).toEqual({ kept: 1, notKept: ['log-batch, 1,000 keys', 'memory'] });
});

test('every benchmark has a line, each failed claim another one, and the last line has the totals', () => {
  const text = benchSummary([
    { file: 'benchmarks/a.ts', code: 0, output: 'claims: 2 kept, 0 NOT KEPT\n' },
    { file: 'benchmarks/kernel.ts', code: 0, output: 'only figures\n' },
    { file: 'benchmarks/b.ts', code: 0, output: 'claims: 1 kept, 1 NOT KEPT: history\nlate words\n' },
    { file: 'benchmarks/c.ts', code: 1, output: 'Error: no build\n' },
  ]);
  expect(text.split('\n').map((line) => line.replaceAll(/ +/g, ' '))).toEqual([
    'benchmarks/a.ts 2 kept, 0 NOT KEPT',
    'benchmarks/kernel.ts no claims',
    'benchmarks/b.ts 1 kept, 1 NOT KEPT',
    ' NOT KEPT: history',
    'benchmarks/c.ts BROKE with exit code 1',
    'claims: 3 kept, 1 NOT KEPT; 1 of 4 benchmarks broke',
  ]);
});
