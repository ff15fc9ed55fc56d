import { describe, expect, test } from 'vitest';
import { root } from '../command.mjs';
import { faults, type Fault } from './faults.ts';
import { affectedTests, importersOf, locateFault } from './locate.ts';
import { batchesOf, firstFailure } from './run-tests.ts';
import { listSources, readSources } from './sources.ts';

const SOURCES: Readonly<Record<string, string>> = {
  'packages/server/src/kernel/cut.ts': 'export const cut = (found, limit) => found.length > limit;',
  'packages/server/src/kernel/list.ts': `import { cut } from './cut.ts';`,
  'packages/server/src/kernel/cut.test.ts': `import { cut } from './cut.ts'; // found.length > limit`,
  'packages/server/src/http/list.int.test.ts': `import { list } from '#kernel/list.ts';`,
  'packages/server/src/http/cut.full.test.ts': `import { cut } from '#kernel/cut.ts';`,
  'packages/server/src/kernel/list.int.test.ts': `import { list } from './list.ts';`,
  'packages/server/src/http/other.int.test.ts': `import { other } from '#http/other.ts';`,
  'e2e/list.spec.ts': `import '../packages/server/src/kernel/list.ts';`,
};
const files = Object.keys(SOURCES);
const read = (file: string) => SOURCES[file];
const fault: Fault = {
  name: 'a full last page gets a cursor',
  module: 'kernel',
  in: 'packages/server/src/kernel/**',
  find: /(\w+)\.length > limit/,
  replace: '$1.length >= limit',
};

describe('a fault', () => {
  test('is injected where its text occurs, but not in tests', () => {
    expect(locateFault(fault, files, read)).toEqual({
      file: 'packages/server/src/kernel/cut.ts',
      faulty: 'export const cut = (found, limit) => found.length >= limit;',
    });
  });

  test('is rejected when its text occurs nowhere or twice', () => {
    expect(() => locateFault({ ...fault, find: /nowhere/ }, files, read)).toThrow('occurs in no file of');
    expect(() => locateFault({ ...fault, find: /cut/ }, files, read)).toThrow('occurs 3 times: ');
  });
});

test('tests that import the faulty file are sorted by project, distance and folder; long tests are omitted', () => {
  const found = affectedTests('packages/server/src/kernel/cut.ts', importersOf(files, read));
  expect(found.map(({ file, project, hops }) => [project, hops, file])).toEqual([
    ['unit', 1, 'packages/server/src/kernel/cut.test.ts'],
    ['int', 2, 'packages/server/src/kernel/list.int.test.ts'],
    ['int', 2, 'packages/server/src/http/list.int.test.ts'],
    ['e2e', 2, 'e2e/list.spec.ts'],
  ]);
});

test('a batch contains files of one project; the first one is small', () => {
  const many = (project: 'unit' | 'int', count: number) =>
    Array.from({ length: count }, (_, at) => ({ file: `${project}-${at}`, project, hops: 1 }));
  const batches = batchesOf([...many('unit', 3), ...many('int', 30)]);
  expect(batches.map((batch) => batch.length)).toEqual([3, 4, 12, 14]);
  expect(batches.map(([first]) => first?.file)).toEqual(['unit-0', 'int-0', 'int-4', 'int-16']);
  expect(batchesOf([])).toEqual([]);
});

test('the first failed test of a report is named with its file', () => {
  const passed = { name: '/copy/a.test.ts', status: 'passed', assertionResults: [{ status: 'passed', fullName: 'a' }] };
  const report = (...testResults: object[]) => JSON.stringify({ testResults: [passed, ...testResults] });
  expect(firstFailure(report(), '/copy')).toBeUndefined();
  const failed = [
    { status: 'passed', fullName: 'b one' },
    { status: 'failed', fullName: 'b two' },
  ];
  expect(
    firstFailure(report({ name: '/copy/b.test.ts', status: 'failed', assertionResults: failed }), '/copy'),
  ).toEqual({
    file: 'b.test.ts',
    title: 'b two',
  });
  const interrupted = { name: '/copy/a.int.test.ts', status: 'failed', message: '', assertionResults: [] };
  const named = { name: '/copy/b.test.ts', status: 'failed', assertionResults: failed };
  expect(firstFailure(report(interrupted, named), '/copy')?.file).toBe('b.test.ts');
  expect(firstFailure(report(interrupted), '/copy')).toBeUndefined();
  const broken = { name: '/copy/c.test.ts', status: 'failed', message: 'SyntaxError: x\n at', assertionResults: [] };
  expect(firstFailure(report(broken), '/copy')).toEqual({
    file: 'c.test.ts',
    title: 'cannot be loaded: SyntaxError: x',
  });
});

describe('the faults of the check', () => {
  const { files: repository, read: readSource } = readSources(root, listSources(root));

  test.each(faults)('$module: $name', (one) => {
    const { file, faulty } = locateFault(one, repository, readSource);
    expect(faulty).not.toBe(readSource(file));
  });

  test('cover each module', () => {
    const modules = new Set(faults.map(({ module }) => module));
    for (const module of 'kernel policy executions gateway monitoring registry data web'.split(' ')) {
      expect(modules).toContain(module);
    }
    for (const protocol of ['mlflow', 'kfp']) expect(modules).toContain(`protocols/${protocol}`);
  });
});
