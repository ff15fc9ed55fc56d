import { afterAll, beforeAll, expect, test } from 'vitest';
import { copyRepository, type RepositoryCopy } from './repository-copy.testing.ts';

let copy: RepositoryCopy;
beforeAll(async () => {
  copy = await copyRepository();
}, 120_000);
afterAll(() => copy.remove());

const run = async (program: string, args: readonly string[]) => await copy.run(program, args);

test('what a scaffold writes passes the checks; scaffold.full.test.ts tries every scaffold', async () => {
  expect(await run('tsx', ['tools/new-kind.ts', 'KnowledgeBase'])).toBe('');
  const written = [
    'packages/api/src/kinds',
    'packages/server/src/kinds/knowledge-base',
    'packages/server/src/compose.ts',
  ];
  expect(await run('oxfmt', ['--check', ...written])).toBe('');
  expect(await run('tsc', ['-p', 'packages/server'])).toBe('');
  expect(await run('vitest', ['run', '--project', 'unit', 'tools/architecture.test.ts'])).toBe('');
}, 600_000);

test('a scaffold that cannot finish writes nothing', async () => {
  expect(await run('tsx', ['tools/new-kind.ts', 'Project'])).toContain(
    'These files exist: packages/api/src/kinds/project.ts',
  );
  expect(await run('tsx', ['tools/new-kind.ts', 'no_name'])).toContain('a name is like FeatureView');
  expect(await run('tsx', ['tools/new-engine.ts'])).toContain('usage: npx tsx tools/new-engine.ts NAME');
  expect(await run('tsx', ['tools/new-mlflow-endpoint.ts'])).toContain(
    'usage: npx tsx tools/new-mlflow-endpoint.ts NAME',
  );
}, 60_000);
