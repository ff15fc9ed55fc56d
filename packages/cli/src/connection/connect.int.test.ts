import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { chooseServer, connect, DEFAULT_URL } from '#connection/connect.ts';
import type { Environment } from '#environment.ts';

let folder: string;
let environment: Environment;
const open: Server[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-connect-'));
  environment = {
    url: undefined,
    token: undefined,
    project: undefined,
    retrySeconds: undefined,
    data: join(folder, 'data'),
    noColor: true,
    editor: 'vi',
    home: folder,
    isRoot: false,
    variables: {},
  };
});
afterEach(async () => {
  for (const server of open.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
  await rm(folder, { recursive: true, force: true });
});

async function leaveServerFile(data: string, pid: number, url = 'http://127.0.0.1:7171'): Promise<void> {
  await mkdir(join(data, 'run'), { recursive: true });
  await writeFile(join(data, 'owner-token'), 'dais_own_x\n');
  const file = { pid, url, tokenFile: join(data, 'owner-token'), startedAt: '', version: '' };
  await writeFile(join(data, 'run/server.json'), JSON.stringify(file));
}

async function serve(server: Server): Promise<number> {
  open.push(server);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return (server.address() as AddressInfo).port;
}

test('without settings and a running server: the default', async () => {
  expect(await chooseServer(environment, {})).toEqual({ url: DEFAULT_URL, token: undefined, from: 'default' });
});

test('the server of the data folder, with its token', async () => {
  await leaveServerFile(join(folder, 'data'), process.pid);
  const choice = { url: 'http://127.0.0.1:7171', token: 'dais_own_x', from: 'data folder' };
  expect(await chooseServer(environment, {})).toEqual(choice);
  expect(await chooseServer({ ...environment, token: 'mine' }, {})).toEqual({ ...choice, token: 'mine' });
});

test('without $DAIS_DATA: the folder in the home', async () => {
  await leaveServerFile(join(folder, '.dais'), process.pid);
  expect(await chooseServer({ ...environment, data: undefined }, {})).toMatchObject({ from: 'data folder' });
});

test('an explicit URL has priority, and gets the token of this machine only for a server of this machine', async () => {
  await leaveServerFile(join(folder, 'data'), process.pid);
  const remote = { ...environment, url: 'https://dais.example.com' };
  expect(await chooseServer(remote, {})).toEqual({ url: remote.url, token: undefined, from: 'DAIS_URL' });
  const named = await chooseServer(remote, { url: 'http://127.0.0.1:7171/', token: undefined as never });
  expect(named).toEqual({ url: 'http://127.0.0.1:7171/', token: 'dais_own_x', from: '--url' });
});

test.each([
  ['left behind by a process that has gone', '{"pid":4194304,"url":"http://127.0.0.1:1"}'],
  ['cut off', '{"pid":'],
  ['of another form', '{"url":7}'],
])('a file %s is ignored', async (_, text) => {
  await mkdir(join(folder, 'data/run'), { recursive: true });
  await writeFile(join(folder, 'data/run/server.json'), text);
  expect(await chooseServer(environment, {})).toMatchObject({ from: 'default' });
});

test('a restarting server is awaited for the time of the environment variable', async () => {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"version":"9"}');
  });
  const port = await serve(server);
  await new Promise((resolve) => server.close(resolve));
  const globals = { url: `http://127.0.0.1:${port}`, token: 't' };
  await expect(connect({ ...environment, retrySeconds: 'long' }, globals)).rejects.toThrow('a number of seconds');
  const client = await connect({ ...environment, retrySeconds: '60' }, globals);
  const answer = client.server();
  // The connection has been refused at least once.
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  expect(await answer).toEqual({ version: '9' });
});

test('a remote server is reached through the proxy of the environment', async () => {
  const target = createServer((request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ version: '9', host: request.headers.host, auth: request.headers.authorization }));
  });
  const targetPort = await serve(target);
  const requests: string[] = [];
  // Plain HTTP is forwarded, not tunneled: many proxies allow tunnels to port 443 only.
  const proxy = createServer((incoming, answer) => {
    requests.push(incoming.url ?? '');
    const { pathname } = new URL(incoming.url ?? '');
    const forwarded = request({ port: targetPort, path: pathname, headers: incoming.headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    forwarded.on('error', () => answer.destroy());
    incoming.pipe(forwarded);
  });
  const proxyPort = await serve(proxy);
  const variables = { HTTP_PROXY: `http://127.0.0.1:${proxyPort}`, NO_PROXY: 'localhost' };
  const client = await connect({ ...environment, variables }, { url: 'http://dais.test', token: 't' });
  expect(await client.server()).toEqual({ version: '9', host: 'dais.test', auth: 'Bearer t' });
  expect(requests).toEqual(['http://dais.test/api/v1/server']);
});
