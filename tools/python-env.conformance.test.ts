import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand } from './command.mjs';
import { packageIndex } from './package-index.mjs';
import { uv } from './uv.mjs';

const module = JSON.stringify(new URL('python-env.mjs', import.meta.url).href);

let folder: string;
let requirements: string;
let variables: Record<string, string>;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'penv-'));
  requirements = join(folder, 'requirements.txt');
  writeFileSync(requirements, '# transitive ones too\nsix==1.17.0\nidna==3.10  # why it is here\n');
  // uv itself from the usual cache, the environments in a new one.
  variables = { DAIS_CACHE: join(folder, 'cache'), DAIS_UV: await uv() };
});
afterAll(() => rmSync(folder, { recursive: true }));

async function make(name: string, file: string) {
  const script = `import { pythonEnvironment } from ${module};
    console.log(await pythonEnvironment(${JSON.stringify(name)}, ${JSON.stringify(file)}));`;
  return await runCommand('node', ['--input-type=module', '-e', script], { quiet: true, env: variables });
}

test('an environment is built once, also for three concurrent processes, and has the pinned packages', async () => {
  const runs = await Promise.all([1, 2, 3].map(() => make('twice', requirements)));
  const [path] = runs.map((run) => run.output.trim());
  expect(runs.map((run) => run.output.trim())).toEqual([path, path, path]);
  expect(readdirSync(join(folder, 'cache', 'python'))).toHaveLength(1);
  const ask = 'import six, idna; print(six.__version__, idna.__version__)';
  const { output } = await runCommand(join(path!, 'bin', 'python'), ['-c', ask], { quiet: true });
  expect(output).toBe('1.17.0 3.10\n');
});

test('what a killed build left is built anew', async () => {
  const path = (await make('again', requirements)).output.trim();
  rmSync(join(path, '.complete'));
  rmSync(join(path, 'bin'), { recursive: true });
  expect((await make('again', requirements)).output.trim()).toBe(path);
  expect(existsSync(join(path, 'bin', 'python'))).toBe(true);
});

test.each([
  ['six\n', 'every package is pinned with ==, but found: six'],
  ['six==1.17.0\nidna>=3\n', 'but found: idna>=3'],
  ['six==1.*\n', 'but found: six==1.*'],
])('requirements that are not pinned are refused: %j', async (text, message) => {
  const file = join(folder, 'loose.txt');
  writeFileSync(file, text);
  const { code, output } = await make('loose', file);
  expect(output).toContain(message);
  expect(code).toBe(1);
});

test('a version that does not exist fails with the error of uv', async () => {
  const file = join(folder, 'missing.txt');
  writeFileSync(file, 'six==0.0.1\n');
  const { code, output } = await make('missing', file);
  expect(output).toContain('the Python environment "missing"');
  expect(output).toContain('six==0.0.1');
  expect(output).toContain('set UV_INDEX_URL or PIP_INDEX_URL to a mirror');
  expect(code).toBe(1);
});

test('a missing dependency fails, because it is not pinned', async () => {
  const file = join(folder, 'incomplete.txt');
  writeFileSync(file, 'python-dateutil==2.9.0.post0\n');
  const { code, output } = await make('incomplete', file);
  expect(output).toContain('six');
  expect(code).toBe(1);
});

test('a Python without pip also finds its index', async () => {
  const path = (await make('twice', requirements)).output.trim();
  const python = join(path, 'bin', 'python');
  expect((await runCommand(python, ['-c', 'import pip'], { quiet: true })).code).toBe(1);
  const index = await packageIndex(python, { PIP_CONFIG_FILE: '/dev/null', HOME: folder });
  expect(index.configured).toBe(false);
  expect(index.url).toMatch(/^https:\/\/[a-z.]+\/simple$/);
});
