import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeCredential } from '#connection/credentials.ts';
import { CliFixture } from '#testing/cli-fixture.ts';

let open: CliFixture;
let guarded: CliFixture;
let token: string;

beforeAll(async () => {
  open = await CliFixture.sharedDefault();
  guarded = await CliFixture.sharedAccounts();
  token = (await readFile(guarded.server.tokenFile, 'utf8')).trim();
});
afterAll(async () => {
  await Promise.all([open.stop(), guarded.stop()]);
});

test('a server that identifies the local user: the URL is enough', async () => {
  const { code, out, err } = await open.run(['env', '--shell', 'bash']);
  expect({ code, out, err }).toEqual({ code: 0, out: `export MLFLOW_TRACKING_URI='${open.server.url}';\n`, err: '' });
  const team = await open.run(['env', '--shell', 'fish', '-p', 'flights team']);
  expect(team.out).toBe(`set -gx MLFLOW_TRACKING_URI '${open.server.url}/p/flights%20team';\n`);
});

test('overriding variables are unset, and localhost bypasses the proxy', async () => {
  const variables = {
    PATH: process.env['PATH'],
    MLFLOW_TRACKING_TOKEN: 'of another server',
    MLFLOW_TRACKING_USERNAME: 'me',
    MLFLOW_REGISTRY_URI: 'http://elsewhere',
    HTTP_PROXY: 'http://proxy.example:3128',
    NO_PROXY: 'example.com',
  };
  const { out } = await open.run(['env', '-o', 'json'], { environment: { variables } });
  expect(JSON.parse(out)).toEqual({
    set: {
      MLFLOW_TRACKING_URI: open.server.url,
      NO_PROXY: 'example.com,127.0.0.1',
      no_proxy: 'example.com,127.0.0.1',
    },
    unset: ['MLFLOW_TRACKING_TOKEN', 'MLFLOW_TRACKING_USERNAME', 'MLFLOW_REGISTRY_URI'],
  });
  const lines = (await open.run(['env', '--shell', 'sh'], { environment: { variables } })).out;
  const script = `${lines}printf '%s %s' "$MLFLOW_TRACKING_URI" "\${MLFLOW_TRACKING_USERNAME-none}"`;
  expect(spawnSync('sh', ['-euc', script], { env: { ...variables }, encoding: 'utf8' }).stdout).toBe(
    `${open.server.url} none`,
  );
});

test('a server that requires authentication: its stored token, or an error with the remedy', async () => {
  const elsewhere = `${guarded.folder}/nowhere`;
  const words = ['env', '--url', guarded.server.url, '--shell', 'bash'];
  const unknown = await guarded.run(words, { environment: { data: elsewhere } });
  expect(unknown).toMatchObject({ code: 5, out: '' });
  expect(unknown.err).toContain(`dais login ${guarded.server.url}`);
  await writeCredential(`${guarded.folder}/.config/dais/credentials.json`, guarded.server.url, { token, user: 'ada' });
  const known = await guarded.run(words, { environment: { data: elsewhere } });
  expect(known.out).toContain(`export MLFLOW_TRACKING_TOKEN='${token}';\n`);
  const wrong = await guarded.run([...words, '--token', 'dais_pat_wrong']);
  expect(wrong).toMatchObject({ code: 5, out: '' });
  expect(wrong.err).not.toContain('dais_pat_wrong');
});

test('a terminal shows the token only on request', async () => {
  const words = ['env', '--url', guarded.server.url, '--shell', 'bash', '--token', token];
  const shown = await guarded.run(words, { terminal: true });
  expect(shown.out).toBe(`export MLFLOW_TRACKING_URI='${guarded.server.url}';\n`);
  expect(shown.out + shown.err).not.toContain(token);
  expect(shown.err).toContain(`eval "$(dais env --url ${guarded.server.url} --shell bash)"`);
  const json = await guarded.run([...words, '-o', 'json'], { terminal: true });
  expect(JSON.parse(json.out)).toMatchObject({ hidden: ['MLFLOW_TRACKING_TOKEN'] });
  expect(json.out).not.toContain(token);
  expect((await guarded.run([...words, '--show-token'], { terminal: true })).out).toContain(token);
});

test('unset, without a server', async () => {
  const { code, out } = await open.run(['env', '--unset', '--shell', 'bash', '--url', 'http://127.0.0.1:3']);
  expect({ code, out }).toEqual({ code: 0, out: 'unset MLFLOW_TRACKING_URI;\nunset MLFLOW_TRACKING_TOKEN;\n' });
});

test('no response', async () => {
  const { code, out, err } = await open.run(['env', '--url', 'http://127.0.0.1:3']);
  expect({ code, out }).toEqual({ code: 6, out: '' });
  expect(err).toContain('No server at http://127.0.0.1:3');
});
