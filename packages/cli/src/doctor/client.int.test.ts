/** `dais doctor --client` with a real Python, without MLflow: packages are read from metadata only. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Finding } from '#doctor/finding.ts';
import { CliFixture } from '#testing/cli-fixture.ts';

let cli: CliFixture;
let token: string;
/** A Python path with client metadata, and modules that must not be imported. */
let packages: string;
const servers: Server[] = [];

beforeAll(async () => {
  cli = await CliFixture.sharedAccounts();
  token = (await readFile(cli.server.tokenFile, 'utf8')).trim();
  packages = join(cli.folder, 'packages');
  const metadata = join(packages, 'mlflow-3.4.0.dist-info');
  await mkdir(metadata, { recursive: true });
  await writeFile(join(metadata, 'METADATA'), 'Metadata-Version: 2.1\nName: mlflow\nVersion: 3.4.0\n');
  for (const name of ['json', 'mlflow', 'requests', 'sitecustomize']) {
    await writeFile(join(packages, `${name}.py`), 'raise SystemExit("code of the user was run")\n');
  }
});
afterAll(async () => {
  for (const server of servers) server.close();
  await cli.stop();
});

async function runDoctor(variables: Record<string, string>, words: readonly string[] = []) {
  const { code, out, err } = await cli.run(['doctor', '--client', '-o', 'json', ...words], {
    workingFolder: packages,
    environment: {
      variables: { PATH: process.env['PATH'], HOME: cli.folder, PYTHONPATH: packages, ...variables },
    },
  });
  expect(err).toBe('');
  const { findings } = JSON.parse(out) as { findings: readonly Finding[] };
  const of = (name: string) => findings.find((finding) => finding.name === name);
  return { code, text: out, of };
}

async function listening(server: Server, scheme: string): Promise<string> {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  servers.push(server);
  return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('everything is correct', async () => {
  const { code, text, of } = await runDoctor({ MLFLOW_TRACKING_URI: cli.server.url, MLFLOW_TRACKING_TOKEN: token });
  expect(of('mlflow')).toEqual({ name: 'mlflow', state: 'ok', detail: '3.4.0; 3.4 is tested with Dais' });
  expect(of('server')).toMatchObject({ state: 'ok', detail: `this Python reaches ${cli.server.url}` });
  expect(of('clock')?.state).toBe('ok');
  expect(text).not.toContain(token);
  expect(code).toBe(0);
});

test('the shell has no settings', async () => {
  const { code, of } = await runDoctor({});
  expect(code).toBe(1);
  expect(of('MLFLOW_TRACKING_URI')).toMatchObject({ state: 'problem', remedy: 'eval "$(dais env)" sets it.' });
  expect(of('server')).toMatchObject({ state: 'problem', remedy: 'eval "$(dais env)" gives it a token.' });
});

test('user and password of another server override the token', async () => {
  await mkdir(join(cli.folder, '.mlflow'));
  const file = join(cli.folder, '.mlflow', 'credentials');
  await writeFile(file, '[mlflow]\nmlflow_tracking_username = me\nmlflow_tracking_password = 100%\n');
  const { code, text, of } = await runDoctor({ MLFLOW_TRACKING_URI: cli.server.url, MLFLOW_TRACKING_TOKEN: token });
  await writeFile(file, '');
  expect(of('~/.mlflow/credentials')?.state).toBe('warning');
  expect(of('server')).toMatchObject({ state: 'problem', detail: `${cli.server.url} requires authentication` });
  expect(text).not.toContain('100%');
  expect(code).toBe(1);
});

test('a missing project', async () => {
  const url = `${cli.server.url}/p/nowhere`;
  const { of } = await runDoctor({ MLFLOW_TRACKING_URI: url, MLFLOW_TRACKING_TOKEN: token });
  expect(of('server')).toMatchObject({ state: 'problem', detail: `there is no project "nowhere" at ${url}` });
});

test('the proxy receives requests for this machine', async () => {
  const proxy = await listening(
    createServer((_request, response) => response.writeHead(200).end('a page of the proxy')),
    'http',
  );
  const { of } = await runDoctor({
    MLFLOW_TRACKING_URI: cli.server.url,
    MLFLOW_TRACKING_TOKEN: token,
    HTTP_PROXY: proxy,
  });
  expect(of('NO_PROXY')).toMatchObject({ state: 'problem', remedy: 'export NO_PROXY=127.0.0.1 no_proxy=127.0.0.1' });
  expect(of('server')?.detail).toContain('is not Dais (status 200)');
});

test('a certificate that this Python does not trust, and then does', async () => {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] },
    ],
  });
  const server = createTlsServer({ cert, key }, (_request, response) => {
    response.setHeader('date', new Date(Date.now() - 600_000).toUTCString());
    response.writeHead(404).end('{"error_code":"RESOURCE_DOES_NOT_EXIST"}');
  });
  const url = await listening(server, 'https');
  const wrong = await runDoctor({ MLFLOW_TRACKING_URI: url });
  expect(wrong.of('server')).toMatchObject({
    state: 'problem',
    remedy: expect.stringContaining('MLFLOW_TRACKING_SERVER_CERT_PATH') as string,
  });
  await writeFile(join(cli.folder, 'ca.pem'), cert);
  const right = await runDoctor({
    MLFLOW_TRACKING_URI: url,
    MLFLOW_TRACKING_SERVER_CERT_PATH: join(cli.folder, 'ca.pem'),
  });
  expect(right.of('server')?.state).toBe('ok');
  expect(right.of('clock')?.detail).toMatch(/the server’s clock is (599|600) s behind this one/);
});

test('no server, an invalid name, a program that is not Python', async () => {
  const refused = await runDoctor({ MLFLOW_TRACKING_URI: 'http://127.0.0.1:3' });
  expect(refused.of('server')?.detail).toContain('connection refused');
  expect(refused.of('MLFLOW_TRACKING_URI')?.state).toBe('warning');
  const unknown = await runDoctor({ MLFLOW_TRACKING_URI: 'http://nowhere.invalid' });
  expect(unknown.of('server')?.detail).toContain('host name not found');
  const { code, of } = await runDoctor({}, ['--python', join(cli.folder, 'none')]);
  expect(of('python')?.state).toBe('problem');
  expect(code).toBe(1);
});
