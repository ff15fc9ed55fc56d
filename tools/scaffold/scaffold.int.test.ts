import { afterAll, beforeAll, expect, test } from 'vitest';
import { copyRepository, type RepositoryCopy } from './repository-copy.testing.ts';

let copy: RepositoryCopy;
beforeAll(async () => {
  copy = await copyRepository();
}, 120_000);
afterAll(() => copy.remove());

const run = async (program: string, args: readonly string[]) => await copy.run(program, args);

// scaffold.full.test.ts runs every scaffold, all checks of all packages, and the tests that scaffolds write.
test('the files that a scaffold writes are formatted and have correct types', async () => {
  expect(await run('tsx', ['tools/new-kind.ts', 'KnowledgeBase'])).toBe('');
  const written = [
    'packages/api/src/kinds',
    'packages/server/src/kinds/knowledge-base',
    'packages/server/src/compose.ts',
  ];
  expect(await run('oxfmt', ['--check', ...written])).toBe('');
  const types = { extends: './tsconfig.json', include: ['src/kinds/knowledge-base/**/*'] };
  copy.write('packages/server/tsconfig.scaffold.json', JSON.stringify(types));
  expect(await run('tsc', ['-p', 'packages/server/tsconfig.scaffold.json'])).toBe('');
}, 600_000);

test('a scaffold that cannot finish writes nothing', async () => {
  expect(await run('tsx', ['tools/new-kind.ts', 'Project'])).toContain('already there');
  expect(await run('tsx', ['tools/new-kind.ts', 'no_name'])).toContain('a name is like FeatureView');
  expect(await run('tsx', ['tools/new-engine.ts'])).toContain('usage: npx tsx tools/new-engine.ts NAME');
}, 60_000);
