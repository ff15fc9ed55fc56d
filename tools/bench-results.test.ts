import { expect, test, vi } from 'vitest';
import { Claims } from '../benchmarks/lib/claims.mjs';
import { resultTable } from '../benchmarks/lib/result-table.mjs';
import { mergeResults, readResults, readTables, renderResults } from './bench-results.mjs';

const FILES = ['benchmarks/a.ts', 'benchmarks/b.ts'];
const machine = { cpu: 'EPYC', cores: '2', memory: '15.6', node: '24.22.3' };
const first = { date: '2026-11-01', machine, files: FILES };
const second = { date: '2026-12-01', machine, files: FILES };
const empty = readResults('');

const calls = (...rows: readonly (readonly string[])[]) =>
  resultTable('CPU per call (ms)', ['call', 'server', 'kept connection'], rows);

test('the tables of an output are those that a benchmark prints', () => {
  const printed = vi.spyOn(console, 'log').mockReturnValue();
  const claims = new Claims();
  claims.judge('create | log', true, '10.1 × (9.5 to 10.8)');
  claims.judge('search', false);
  claims.end();
  const output = `load 3\n${calls(['create', 'Dais', '1.0'])}\n${printed.mock.calls.join('\n')}`;
  printed.mockRestore();
  expect(readTables(output)).toEqual([
    {
      title: 'CPU per call (ms)',
      header: ['call', 'server', 'kept connection'],
      rows: [{ call: 'create', server: 'Dais', 'kept connection': '1.0' }],
    },
    {
      title: 'Claims',
      header: ['claim', 'measured', 'result'],
      rows: [
        { claim: 'create | log', measured: '10.1 × (9.5 to 10.8)', result: 'kept' },
        { claim: 'search', measured: '', result: 'NOT KEPT' },
      ],
    },
  ]);
});

test('a table without a title is no result', () => {
  expect(readTables('some words\n| a | b |\n| - | - |\n| 1 | 2 |\n')).toEqual([]);
});

test('a partial run updates its rows and keeps the others with their dates', () => {
  const whole = { file: 'benchmarks/a.ts', isWhole: true, load: '1.0 to 2.0' };
  const before = mergeResults(
    empty,
    [{ ...whole, output: calls(['create', 'Dais', '1.0'], ['create', 'MLflow', '9.0'], ['log', 'Dais', '2.0']) }],
    first,
  );
  const output = calls(['create', 'Dais', '1.5'], ['new', 'Dais', '7.0']);
  const after = mergeResults(before, [{ ...whole, isWhole: false, load: '3.0 to 4.0', output }], second);
  const rows = after.sections[0]?.tables[0]?.rows.map((row) => Object.values(row).join(' | '));
  expect(rows).toEqual([
    'create | Dais | 1.5 | 2026-12-01 | 3.0 to 4.0 | A',
    'create | MLflow | 9.0 | 2026-11-01 | 1.0 to 2.0 | A',
    'log | Dais | 2.0 | 2026-11-01 | 1.0 to 2.0 | A',
    'new | Dais | 7.0 | 2026-12-01 | 3.0 to 4.0 | A',
  ]);
  const rerun = mergeResults(after, [{ ...whole, output: calls(['log', 'Dais', '3.0']) }], second);
  expect(rerun.sections[0]?.tables[0]?.rows).toHaveLength(1);
});

test('a row of another set of columns is replaced whole, and obsolete benchmarks disappear', () => {
  const run = { isWhole: true, load: '1.0 to 1.0', output: calls(['create', 'Dais', '1.0']) };
  const before = mergeResults(
    empty,
    FILES.map((file) => ({ ...run, file })),
    first,
  );
  const output = resultTable('CPU per call (ms)', ['call', 'server', 'new connection'], [['log', 'Dais', '4.0']]);
  const runs = [{ file: 'benchmarks/a.ts', isWhole: false, load: '', output }];
  const { sections } = mergeResults(before, runs, { ...second, files: ['benchmarks/a.ts'] });
  expect(sections.map(({ file }) => file)).toEqual(['benchmarks/a.ts']);
  expect(renderResults({ machines: [], sections })).toContain('| create | Dais   |                |');
});

test('the page is read as it was written, also after a formatter has aligned it', () => {
  const runs = FILES.map((file) => ({
    file,
    isWhole: true,
    load: '1.0 to 1.0',
    output: calls(['a | b', 'Dais', '1.0']),
  }));
  const results = mergeResults(empty, runs, first);
  const page = renderResults(results);
  expect(readResults(page)).toEqual(results);
  expect(readResults(page.replaceAll(/ +\|/g, '   |'))).toEqual(results);
  expect(page).toContain('## `benchmarks/a.ts`');
});

test('another machine gets a letter of its own, and one without rows disappears', () => {
  const run = { isWhole: true, load: '1.0 to 1.0', output: calls(['create', 'Dais', '1.0']) };
  const one = mergeResults(
    empty,
    FILES.map((file) => ({ ...run, file })),
    first,
  );
  const other = { ...second, machine: { ...machine, cores: '8' } };
  const two = mergeResults(one, [{ ...run, file: 'benchmarks/a.ts' }], other);
  expect(two.machines.map(({ id, cores }) => `${id} ${cores}`)).toEqual(['A 2', 'B 8']);
  const three = mergeResults(two, [{ ...run, file: 'benchmarks/b.ts' }], other);
  expect(three.machines.map(({ id, cores }) => `${id} ${cores}`)).toEqual(['B 8']);
});
