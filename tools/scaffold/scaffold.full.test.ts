import { afterAll, beforeAll, expect, test } from 'vitest';
import { copyRepository, type RepositoryCopy } from './repository-copy.testing.ts';

let copy: RepositoryCopy;
beforeAll(async () => {
  copy = await copyRepository();
}, 120_000);
afterAll(() => copy.remove());

const run = async (program: string, args: readonly string[]) => await copy.run(program, args);

// It checks and tests all packages, and each step uses both cores if they are free.
test('the files of every scaffold pass the checks and their tests', { timeout: 900_000 }, async () => {
  for (const [scaffold, name] of [
    ['new-kind', 'KnowledgeBase'],
    ['new-kind', 'Study'],
    ['new-engine', 'search'],
    ['new-engine', 'compute/batch-queue'],
    ['new-ledger', 'reading-list'],
    ['new-protocol', 'foreign-tongue'],
    ['new-protocol', 'other'],
    ['new-mlflow-endpoint', 'experiment-count'],
  ] as const) {
    expect(await run('tsx', [`tools/${scaffold}.ts`, name])).toBe('');
  }
  const written = [
    'packages/api/src/kinds',
    'packages/server/src/kinds/knowledge-base',
    'packages/server/src/kinds/study',
    'packages/server/src/engines/search',
    'packages/server/src/engines/compute/batch-queue',
    'packages/server/src/ledgers/reading-list',
    'packages/server/src/protocols/foreign-tongue',
    'packages/server/src/protocols/other',
    'packages/server/src/protocols/mlflow/experiment-count.int.test.ts',
    'packages/server/src/protocols/mlflow/route-table.ts',
    'packages/server/src/protocols/mlflow/routes/experiment-count-routes.ts',
    'packages/server/src/ledgers/tracking/index.ts',
    'packages/server/src/ledgers/tracking/experiment-count.ts',
    'packages/server/src/testing/operation-recipes.ts',
    'packages/api/src/config/spec.ts',
    'packages/server/src/compose.ts',
    'packages/server/src/compose/compute.ts',
    'packages/server/src/compose/ledgers.ts',
    'packages/server/src/compose/open-ledgers.ts',
    'packages/server/src/compose/protocols.ts',
  ];
  expect(await run('oxfmt', ['--check', ...written])).toBe('');
  expect(await run('oxlint', ['--type-aware', '--deny-warnings', ...written])).toBe('');
  expect(await run('tsc', ['-p', 'packages/api'])).toBe('');
  expect(await run('tsc', ['-p', 'packages/server'])).toBe('');
  expect(await run('tsx', ['--conditions=dais-source', 'tools/generate/main.ts', '--check'])).toBe('');
  const others = [
    'packages/api/src/operations',
    'project-deletion',
    'route-table',
    'tools/checked-sql.int.test.ts',
    'tools/architecture.test.ts',
  ];
  const tests = ['--project', 'unit', '--project', 'int', ...written.slice(1), ...others];
  expect(await run('vitest', ['run', ...tests])).toBe('');
});
