import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root, runCommand } from '../command.mjs';
import { ensureInstalled } from '../install.mjs';

/** A copy of the repository as it lies on the disk, with the installed packages of this one. */
let copy: string;
beforeAll(async () => {
  copy = mkdtempSync(join(tmpdir(), 'scaf-'));
  const { output } = await runCommand('git', ['ls-files', '-co', '--exclude-standard', '-z'], { quiet: true });
  for (const path of output.split('\0').filter(Boolean)) {
    mkdirSync(join(copy, dirname(path)), { recursive: true });
    // A file that is deleted but not yet committed is still listed.
    cpSync(join(root, path), join(copy, path), {
      force: true,
      errorOnExist: false,
      verbatimSymlinks: true,
      recursive: true,
    });
  }
  await ensureInstalled();
  mkdirSync(join(copy, 'node_modules', '@dais'), { recursive: true });
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (name === '@dais' || name === '.dais-lock') continue;
    symlinkSync(join(root, 'node_modules', name), join(copy, 'node_modules', name));
  }
  for (const name of readdirSync(join(copy, 'packages'))) {
    symlinkSync(join(copy, 'packages', name), join(copy, 'node_modules', '@dais', name));
  }
}, 120_000);
afterAll(() => rmSync(copy, { recursive: true, force: true }));

const run = async (program: string, args: readonly string[]) => {
  const { code, output } = await runCommand(program, args, { cwd: copy, quiet: true, env: { NO_COLOR: '1' } });
  return code === 0 ? '' : `${program} ${args.join(' ')}:\n${output}`;
};

// It lints, checks the types of and tests all packages, each with both cores where they are free.
test('what the scaffolds write passes the checks and its own tests', { timeout: 900_000 }, async () => {
  for (const [scaffold, name] of [
    ['new-kind', 'KnowledgeBase'],
    ['new-kind', 'Study'],
    ['new-engine', 'search'],
    ['new-ledger', 'reading-list'],
    ['new-protocol', 'foreign-tongue'],
    ['new-protocol', 'other'],
  ] as const) {
    expect(await run('tsx', [`tools/${scaffold}.ts`, name])).toBe('');
  }
  const written = [
    'packages/api/src/kinds',
    'packages/server/src/kinds/knowledge-base',
    'packages/server/src/kinds/study',
    'packages/server/src/engines/search',
    'packages/server/src/ledgers/reading-list',
    'packages/server/src/protocols/foreign-tongue',
    'packages/server/src/protocols/other',
    'packages/server/src/compose.ts',
    'packages/server/src/compose/ledgers.ts',
    'packages/server/src/compose/open-ledgers.ts',
    'packages/server/src/compose/doors.ts',
    'tools/arrows.ts',
  ];
  expect(await run('oxfmt', ['--check', ...written])).toBe('');
  expect(await run('oxlint', ['--type-aware', '--deny-warnings', ...written])).toBe('');
  expect(await run('tsc', ['-p', 'packages/api'])).toBe('');
  expect(await run('tsc', ['-p', 'packages/server'])).toBe('');
  expect(await run('tsx', ['--conditions=dais-source', 'tools/generate/main.ts', '--check'])).toBe('');
  const others = ['packages/api/src/operations', 'project-deletion', 'tools/architecture.test.ts'];
  const tests = ['--project', 'unit', '--project', 'int', ...written.slice(1), ...others];
  expect(await run('vitest', ['run', ...tests])).toBe('');
});

test('a scaffold that cannot finish writes nothing', async () => {
  expect(await run('tsx', ['tools/new-kind.ts', 'Project'])).toContain('already there');
  expect(await run('tsx', ['tools/new-kind.ts', 'no_name'])).toContain('a name is like FeatureView');
  expect(await run('tsx', ['tools/new-engine.ts'])).toContain('usage: npx tsx tools/new-engine.ts NAME');
}, 60_000);
