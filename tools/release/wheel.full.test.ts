/** `pip install` of the wheel in a clean virtual environment, its first start, and the first tutorials with the command of the wheel. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand } from '../command.mjs';
import { findPython } from '../python.mjs';
import { pythonEnvironment } from '../python-env.mjs';
import { followPage } from '../tutorial/follow.ts';
import { uv, uvEnvironment } from '../uv.mjs';
import { startOfflineRelease, type OfflineRelease } from './offline.testing.ts';
import { runWith } from './started.testing.ts';

let release: OfflineRelease;
let dais: string;
let variables: Readonly<Record<string, string>>;

beforeAll(async () => {
  release = await startOfflineRelease();
  const venv = join(release.folder, 'venv');
  dais = join(venv, 'bin', 'dais');
  variables = { ...release.variables, DAIS_CACHE: join(release.folder, 'cache'), PATH: '/usr/bin:/bin' };
  // uv puts pip into the environment; Debian's Python has no ensurepip.
  const { path } = await findPython();
  const env = await uvEnvironment();
  await must(await uv(), ['venv', '--quiet', '--seed', '--python', path, venv], env);
  const wheel = join(release.out, `dais-${release.version}-py3-none-any.whl`);
  await must(join(venv, 'bin', 'pip'), ['install', '--quiet', wheel], {});
}, 900_000);
afterAll(() => release.remove());

async function must(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const { code, output } = await runCommand(program, args, { quiet: true, env });
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${output}`);
}

test('without a registry, the first start names the reason and the remedy, and leaves nothing', async () => {
  const unreachable = { npm_config_registry: 'http://127.0.0.1:9/', npm_config_fetch_retries: '0' };
  const failed = await runWith({ ...variables, ...unreachable }, dais, '--version');
  expect(failed).toMatchObject({ code: 1, out: '' });
  expect(failed.err).toContain('error: Dais cannot install its packages, because npm failed:');
  expect(failed.err).toContain('ECONNREFUSED');
  expect(failed.err).toContain('set npm_config_registry to a mirror');
  expect(failed.err).not.toContain('Traceback');
  expect(readdirSync(join(release.folder, 'cache', 'packages'))).toEqual(['install.lock']);
});

test('a cache folder that cannot be created is an error with a remedy', async () => {
  const failed = await runWith({ ...variables, DAIS_CACHE: '/dev/null/cache' }, dais, '--version');
  expect(failed).toEqual({
    code: 1,
    out: '',
    err: expect.stringMatching(/^error: Dais cannot install its packages into \/dev\/null\/cache.*DAIS_CACHE.*\n$/),
  });
});

test('two first starts at the same time install once, and both run the command', async () => {
  const both = await Promise.all([runWith(variables, dais, '--version'), runWith(variables, dais, '--version')]);
  for (const { code, out } of both) expect({ code, out }).toEqual({ code: 0, out: `${release.version}\n` });
  const notices = both.map(({ err }) => err).join('');
  expect(notices.match(/installs its \d+ packages into /g)).toHaveLength(1);
  expect(release.misses).toEqual([]);
  const installed = readdirSync(join(release.folder, 'cache', 'packages')).filter((name) => name !== 'install.lock');
  expect(installed).toEqual([
    expect.stringMatching(new RegExp(`^${release.version.replaceAll('.', '\\.')}-[0-9a-f]{16}$`)),
  ]);
  const runtime = join(
    release.folder,
    'cache',
    'packages',
    installed[0] ?? '',
    'node_modules',
    'onnxruntime-node',
    'bin',
  );
  expect(readdirSync(runtime, { recursive: true }).filter((path) => String(path).endsWith('.node'))).toHaveLength(1);
});

test('a later start needs no registry, prints nothing of its own, and keeps the exit code of the command', async () => {
  const offline = { ...variables, npm_config_registry: 'http://127.0.0.1:9/' };
  expect(await runWith(offline, dais, '--version')).toEqual({ code: 0, out: `${release.version}\n`, err: '' });
  const wrong = await runWith(offline, join(dais, '..', 'python'), '-m', 'dais', 'no-such-command');
  expect(wrong).toMatchObject({ code: 2, out: '' });
});

test('the ten-minute tutorial works with the command of the wheel', { timeout: 600_000 }, async () => {
  const { DAIS_CACHE = '', npm_config_registry = '' } = variables;
  const followed = await followPage('tutorial/ten-minutes.md', {
    dais,
    variables: { DAIS_CACHE, npm_config_registry, DAIS_KEYS_FOLDER: join(release.folder, 'keys') },
  });
  for (const { shown, printed } of followed) expect(printed).toBe(shown);
  expect(followed.length).toBeGreaterThan(8);
});

test('the tutorial about tracking works with the command of the wheel', { timeout: 900_000 }, async () => {
  const requirements = fileURLToPath(new URL('../../conformance/mlflow/requirements.txt', import.meta.url));
  const python = join(await pythonEnvironment('mlflow-3-18', requirements), 'bin');
  const { UV_DEFAULT_INDEX, SSL_CERT_FILE } = await uvEnvironment();
  const { DAIS_CACHE = '' } = variables;
  const followed = await followPage('tutorial/track-your-first-model.md', {
    dais,
    programs: [python],
    variables: {
      DAIS_CACHE,
      DAIS_KEYS_FOLDER: join(release.folder, 'keys'),
      DAIS_ENVIRONMENTS_UV: await uv(),
      ...(UV_DEFAULT_INDEX !== undefined && { DAIS_ENVIRONMENTS_INDEX: UV_DEFAULT_INDEX }),
      ...(SSL_CERT_FILE !== undefined && { DAIS_OUTBOUND_EXTRA_CA: SSL_CERT_FILE }),
    },
    files: 'examples/flights',
  });
  for (const { shown, printed } of followed) expect(printed).toBe(shown);
  expect(followed.length).toBeGreaterThan(8);
  expect(existsSync(join(release.folder, 'cache'))).toBe(true);
});
