import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCommand } from './command.mjs';

const release = new URL('../packages/server/src/engines/environments/uv/uv-release.json', import.meta.url);
const pinned = JSON.parse(readFileSync(release, 'utf8')) as {
  wheels: Record<string, { file: string }>;
};
const { file } = pinned.wheels[`${process.platform}-${process.arch}`]!;
const script = `import { uv } from ${JSON.stringify(new URL('uv.mjs', import.meta.url).href)}; await uv();`;

let folder: string;
let server: Server;
let port: number;
const requests: string[] = [];

/** A mirror with the HTML form of the index, whose wheel has other bytes; and a proxy that refuses. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'uv-'));
  server = createServer((request, response) => {
    requests.push(request.url ?? '');
    if (request.url === '/simple/uv/') {
      response.setHeader('content-type', 'text/html');
      response.end(`<html><body><a href="../../files/${file}#sha256=00">${file}</a></body></html>`);
    } else if (request.url === `/files/${file}`) response.end('not the wheel');
    else response.writeHead(404).end();
  });
  server.on('connect', (request, socket) => {
    requests.push(`CONNECT ${request.url}`);
    socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  port = (server.address() as AddressInfo).port;
});
afterAll(async () => {
  await new Promise((resolve) => {
    server.close(resolve);
  });
  rmSync(folder, { recursive: true });
});

/** Gets uv in a process of its own: what it may use is in its environment. */
async function getUv(cache: string, variables: Record<string, string>) {
  const clean = {
    DAIS_CACHE: join(folder, cache),
    DAIS_UV: '',
    UV_DEFAULT_INDEX: '',
    UV_INDEX_URL: '',
    PIP_INDEX_URL: '',
    UV_FIND_LINKS: '',
    HTTPS_PROXY: '',
    HTTP_PROXY: '',
    https_proxy: '',
    http_proxy: '',
    NO_PROXY: '',
    no_proxy: '',
  };
  return await runCommand('node', ['--input-type=module', '-e', script], {
    quiet: true,
    env: { ...clean, ...variables },
  });
}

test('a wheel with other bytes than the pinned ones is refused and not kept', async () => {
  const { code, output } = await getUv('other', { PIP_INDEX_URL: `http://127.0.0.1:${port}/simple/` });
  expect(output).toContain('from the index of PIP_INDEX_URL');
  expect(output).toMatch(/has SHA-256 [0-9a-f]{64} \(13 bytes\), but [0-9a-f]{64} \(\d+ bytes\) is pinned/);
  expect(code).toBe(1);
  expect(readdirSync(join(folder, 'other', 'uv'))).toEqual([]);
  expect(readdirSync(join(folder, 'other', 'locks'))).toEqual([]);
});

test('an index that does not answer is named with the variables to set', async () => {
  const { code, output } = await getUv('none', { UV_INDEX_URL: 'http://127.0.0.1:1/simple' });
  expect(output).toContain('GET http://127.0.0.1:1/simple/uv/ failed: ECONNREFUSED');
  expect(output).toContain('set UV_INDEX_URL or PIP_INDEX_URL to a mirror, HTTPS_PROXY to a proxy');
  expect(code).toBe(1);
});

test('an index without the file is reported', async () => {
  const { output } = await getUv('lacks', { UV_INDEX_URL: `http://127.0.0.1:${port}/empty` });
  expect(output).toContain(`GET http://127.0.0.1:${port}/empty/uv/ failed: HTTP 404`);
});

test('a proxy is used when there is one', async () => {
  requests.length = 0;
  const { output } = await getUv('proxy', {
    UV_INDEX_URL: 'https://index.invalid/simple',
    HTTPS_PROXY: `http://127.0.0.1:${port}`,
  });
  expect(output).toContain('GET https://index.invalid/simple/uv/ failed');
  expect(requests[0]).toBe('CONNECT index.invalid:443');
});

test('a wheel in a folder replaces the index, and is verified like all others', async () => {
  const wheels = join(folder, 'wheels');
  mkdirSync(wheels);
  writeFileSync(join(wheels, file), 'not the wheel either');
  const { output } = await getUv('local', { UV_FIND_LINKS: wheels, UV_INDEX_URL: 'http://127.0.0.1:1/simple' });
  expect(output).toContain(`${join(wheels, file)} has SHA-256`);
  expect(existsSync(join(folder, 'local', 'uv', 'uv'))).toBe(false);
});
