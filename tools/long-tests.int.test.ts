/** The list of long tests, and the base that a change is compared with, in real repositories. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runCommand } from './command.mjs';
import { changedFiles, longTestsOfChange, matchesGlob, readLongTests } from './long-tests.mjs';

let folder: string;
let checkout: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'base-'));
  checkout = join(folder, 'repository');
  mkdirSync(checkout);
  await git(['init', '--quiet', '--initial-branch=main']);
  await commit('first.ts');
  await commit('second.ts');
});
afterEach(() => rmSync(folder, { recursive: true }));

async function git(args: readonly string[]): Promise<string | undefined> {
  const identity = ['-c', 'user.name=test', '-c', 'user.email=test@example.com', '-c', 'commit.gpgsign=false'];
  const { code, output } = await runCommand('git', [...identity, ...args], { quiet: true, cwd: checkout });
  return code === 0 ? output : undefined;
}

async function commit(name: string): Promise<void> {
  writeFileSync(join(checkout, name), name);
  await git(['add', '.']);
  expect(await git(['commit', '--quiet', '-m', name])).toBeDefined();
}

const filesSince = async (override?: string) => (await changedFiles(git, override))?.files.toSorted();

test('on the main branch it is the previous commit; files that are not committed count', async () => {
  expect(await filesSince()).toEqual(['second.ts']);
  writeFileSync(join(checkout, 'first.ts'), 'changed');
  writeFileSync(join(checkout, 'new file.ts'), '');
  expect(await filesSince()).toEqual(['first.ts', 'new file.ts', 'second.ts']);
});

test('on a branch it is where the branch left the main branch; a variable names another', async () => {
  await git(['checkout', '--quiet', '-b', 'topic']);
  await commit('third.ts');
  await commit('fourth.ts');
  await git(['checkout', '--quiet', 'main']);
  await commit('elsewhere.ts');
  await git(['checkout', '--quiet', 'topic']);
  expect(await filesSince()).toEqual(['fourth.ts', 'third.ts']);
  expect(await filesSince('HEAD^')).toEqual(['fourth.ts']);
  await expect(filesSince('no-such-branch')).rejects.toThrow('DAIS_TEST_BASE names no commit');
});

test('a clone on the main branch compares with the previous commit, a shallow one has no base', async () => {
  const origin = checkout;
  checkout = folder;
  expect(await git(['clone', '--quiet', `file://${origin}`, 'whole'])).toBeDefined();
  expect(await git(['clone', '--quiet', '--depth=1', `file://${origin}`, 'shallow'])).toBeDefined();
  checkout = join(folder, 'whole');
  expect(await filesSince()).toEqual(['second.ts']);
  await commit('third.ts');
  expect(await filesSince()).toEqual(['third.ts']);
  checkout = join(folder, 'shallow');
  expect(await filesSince()).toBeUndefined();
});

test('the list names long tests that exist and fit into the limit, and each of its globs matches a file', async () => {
  const { output } = await runCommand('git', ['ls-files', '-co', '--exclude-standard', '-z'], { quiet: true });
  const files = output.split('\0').filter(Boolean);
  const { limitSeconds, tests } = readLongTests();
  const listed = Object.entries(tests);
  const isLong = (file: string) => /\.((full|int|conformance)\.test|spec)\.ts$/.test(file) && files.includes(file);
  expect(listed.map(([file]) => file).filter((file) => !isLong(file))).toEqual([]);
  expect(listed.filter(([, { seconds }]) => seconds > limitSeconds)).toEqual([]);
  const globs = listed.flatMap(([, { when }]) => (when === 'imports' ? [] : when));
  expect(globs.filter((glob) => !files.some((path) => matchesGlob(path, glob)))).toEqual([]);
});

test('a long test of integration is left out unless the change affects it', async () => {
  const { full, leftOut, lines } = await longTestsOfChange();
  const { tests } = readLongTests();
  const others = Object.keys(tests).filter((file) => !file.endsWith('.full.test.ts'));
  expect(others).toEqual(expect.arrayContaining(leftOut));
  expect(full.filter((file) => !(file in tests))).toEqual([]);
  expect(lines.at(-1)).toBe(
    `${leftOut.length} long files of the integration, browser and conformance tests are left out; npm run test:full runs them.`,
  );
});
