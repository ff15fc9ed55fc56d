/** The packed packages, installed for all users of a machine from a registry without anything else, as docs/guide/install.md says. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOfflineRelease, type OfflineRelease } from './offline.testing.ts';
import { runWith, startUp } from './started.testing.ts';

let release: OfflineRelease;
let dais: string;

beforeAll(async () => {
  release = await startOfflineRelease();
  dais = join(release.folder, 'prefix', 'bin', 'dais');
}, 600_000);
afterAll(() => release.remove());

test('npm install --global installs the command and the server', async () => {
  const { version, variables, folder } = release;
  const packages = [`@dais/cli@${version}`, `@dais/server@${version}`];
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const prefix = join(folder, 'prefix');
  const installed = await runWith(variables, 'npm', 'install', '--global', '--prefix', prefix, ...options, ...packages);
  expect(installed).toMatchObject({ code: 0, err: '' });
  expect(release.misses).toEqual([]);
  expect(await runWith(variables, dais, '--version')).toEqual({ code: 0, out: `${version}\n`, err: '' });
});

test('the installed command starts a server, which serves a request and stops', async () => {
  const data = join(release.folder, 'data');
  const server = await startUp(release.variables, [dais], data);
  try {
    expect(await runWith(release.variables, dais, '--url', server.url, 'get', 'projects')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^default\b/m),
    });
    const console = await fetch(`${server.url}/`, { headers: { accept: 'text/html' } });
    expect(await console.text()).toContain('<title>');
  } finally {
    expect(await server.stop()).toBe(0);
  }
});

test('an error of the server has its code and its remedy, though both packages have their own copy of the API', async () => {
  const data = join(release.folder, 'no-disk');
  const refused = await runWith(release.variables, dais, 'up', '--data', data, '--port', '99999');
  expect(refused.code).toBeGreaterThan(0);
  expect(refused.err).toContain('--port: is too large');
  expect(refused.err).not.toContain('    at ');
});
