import { expect, test } from 'vitest';
import { treeCpuMs } from './process-cpu.mjs';
import { budgetExcess, failuresIn, failuresOf, flakyFiles, slowestLines, type FileTime } from './test-times.mjs';

const time = (file: string, startUpMs: number, testMs: number, cpuMs: number): FileTime => ({
  file,
  ok: true,
  startUpMs,
  testMs,
  cpuMs,
});

test('the slowest ten files are listed, with what they spent their time on', () => {
  const times = Array.from({ length: 12 }, (_, n) => time(`${n}.test.ts`, 1000, n * 1000, 500));
  const lines = slowestLines(times);
  expect(lines).toHaveLength(10);
  expect(lines[0]).toBe('    12.0 s (start-up 1.0 s, CPU 0.5 s, waiting 11.5 s)  11.test.ts');
});

test('a tier that exceeds its CPU budget is reported', () => {
  const times = [time('a', 0, 0, 90_000), time('b', 0, 0, 30_000)];
  expect(budgetExcess('int', times, { int: { cpuSeconds: 120 } })).toBeUndefined();
  expect(budgetExcess('e2e', times, { int: { cpuSeconds: 1 } })).toBeUndefined();
  expect(budgetExcess('int', times, { int: { cpuSeconds: 100 } })).toBe(
    'The tests of "int" took 120 s of CPU; tools/test-budget.json allows 100 s. Make some of them cheaper, or move long ones to a .full.test.ts file.',
  );
});

test('CPU of a process and what it starts is counted', () => {
  const before = treeCpuMs();
  const until = process.cpuUsage().user + 60_000;
  while (process.cpuUsage().user < until);
  expect(treeCpuMs() - before).toBeGreaterThanOrEqual(40);
});

test('files that fail and pass alone are flaky, unless one of them fails again or there are many', async () => {
  const failing = (...names: string[]) => names.map((file) => ({ ...time(file, 0, 0, 0), ok: false }));
  const passes =
    (...names: string[]) =>
    async (file: string) =>
      await Promise.resolve(names.includes(file));
  const world = [...failing('a', 'b'), time('c', 0, 0, 0)];
  expect(await flakyFiles(world, passes('a', 'b'))).toEqual(['a', 'b']);
  expect(await flakyFiles(world, passes('a'))).toEqual([]);
  expect(await flakyFiles(failing('a', 'b', 'c', 'd'), passes('a', 'b', 'c', 'd'))).toEqual([]);
});

test('the report of a run names the failed tests of a file with the first line of each message', () => {
  const failed = { status: 'failed', title: 'it waits', failureMessages: ['Error: too late\n    at a.ts:1'] };
  const report = JSON.stringify({
    testResults: [{ name: '/checkout/tools/a.test.ts', assertionResults: [failed, { status: 'passed', title: 'b' }] }],
  });
  expect(failuresOf('tools/a.test.ts', failuresIn(report))).toEqual(['it waits: Error: too late']);
  expect(failuresOf('tools/b.test.ts', failuresIn(report))).toEqual([]);
});
