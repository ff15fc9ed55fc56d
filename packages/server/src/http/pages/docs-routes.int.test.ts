import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { errorCatalog } from '@dais/api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RouteGroup } from '#http/server/route-group.ts';
import type { OperationCalls } from '#http/routes/native-routes.ts';
import { openApiRoutes } from '#http/openapi/openapi-routes.ts';
import { docsRoutes, rootPageRoutes } from '#http/pages/docs-routes.ts';
import { startHttpFixture, type HttpFixture } from '#http/testing/http-fixture.ts';
import { systemClock } from '#lib/clock.ts';

let folder: string;
let plain: HttpFixture;
let withDocs: HttpFixture;
let belowBasePath: HttpFixture;

const pages =
  (docs: string | undefined) =>
  (calls: OperationCalls): RouteGroup[] => [
    rootPageRoutes({ calls, clock: systemClock, url: 'http://127.0.0.1:7070' }),
    docsRoutes(docs),
    openApiRoutes(calls.operations, '0.1.0'),
  ];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-docs-'));
  await mkdir(join(folder, 'site', 'guide', 'index'), { recursive: true });
  await writeFile(join(folder, 'secret.txt'), 'outside');
  await writeFile(join(folder, 'site', 'index.html'), '<h1>front</h1>');
  await writeFile(join(folder, 'site', 'guide', 'tls.html'), '<h1>tls</h1>');
  await writeFile(join(folder, 'site', 'guide', 'index.html'), '<h1>guides</h1>');
  await writeFile(join(folder, 'site', 'app.D3xQ_a-1.js'), 'let a;');
  const links = `<a href="/docs/guide/tls">url(/docs/a.woff2) "base\\":\\"/docs/\\" see /docs/guide and href="/other/"</a>`;
  await writeFile(join(folder, 'site', 'links.html'), links);
  [plain, withDocs, belowBasePath] = await Promise.all([
    startHttpFixture({ doors: pages(undefined) }),
    startHttpFixture({ doors: pages(join(folder, 'site')) }),
    startHttpFixture({ doors: pages(join(folder, 'site')), server: { publicUrl: 'https://example.com/ml' } }),
  ]);
});
afterAll(async () => {
  await Promise.all([plain.stop(), withDocs.stop(), belowBasePath.stop()]);
  await rm(folder, { recursive: true, force: true });
});

test('the front page shows the server and its resources, with a strict policy', async () => {
  const response = await fetch(`${plain.url}/`);
  const html = await response.text();
  expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
  const policy = response.headers.get('content-security-policy') ?? '';
  const nonce = /'nonce-([^']+)'/.exec(policy)?.[1];
  expect(policy).toContain("default-src 'none'");
  expect(html).toContain(`<style nonce="${nonce}">`);
  expect(html).toContain('<b>1</b>Project');
  expect(html).not.toMatch(/<script|src="http|style="/);
});

test('without a site, the pages that problems link to exist', async () => {
  const errors = await (await fetch(`${plain.url}/docs/reference/errors`)).text();
  for (const code of Object.keys(errorCatalog)) expect(errors).toContain(`<tr id="${code}">`);
  expect(await (await fetch(`${plain.url}/docs`)).text()).toContain('OpenAPI document');
  expect((await fetch(`${plain.url}/docs/nothing`)).status).toBe(404);
});

test.each([
  ['/docs/', '<h1>front</h1>'],
  ['/docs/guide/tls', '<h1>tls</h1>'],
  ['/docs/guide/tls.html', '<h1>tls</h1>'],
  ['/docs/guide/', '<h1>guides</h1>'],
])('the site serves %s', async (path, expected) => {
  const response = await fetch(`${withDocs.url}${path}`);
  expect(await response.text()).toBe(expected);
  const again = await fetch(`${withDocs.url}${path}`, {
    headers: { 'if-none-match': response.headers.get('etag') ?? '' },
  });
  expect(again.status).toBe(304);
});

test('behind a base path the site refers to its URL', async () => {
  const html = await (await fetch(`${belowBasePath.url}/docs/links`)).text();
  expect(html).toBe(
    `<a href="/ml/docs/guide/tls">url(/ml/docs/a.woff2) "base\\":\\"/ml/docs/\\" see /docs/guide and href="/other/"</a>`,
  );
});

test('files with a hash in their names are cached permanently, others are revalidated', async () => {
  const hashed = await fetch(`${withDocs.url}/docs/app.D3xQ_a-1.js`);
  expect([hashed.headers.get('content-type'), hashed.headers.get('cache-control')]).toEqual([
    'text/javascript; charset=utf-8',
    'private, max-age=31536000, immutable',
  ]);
  expect((await fetch(`${withDocs.url}/docs/`)).headers.get('cache-control')).toBe('private, no-cache');
  const redirect = await fetch(`${withDocs.url}/docs`, { redirect: 'manual' });
  expect([redirect.status, redirect.headers.get('location')]).toEqual([302, '/docs/']);
});

test.each([
  '/docs/../secret.txt',
  '/docs/%2e%2e/secret.txt',
  '/docs/..%2fsecret.txt',
  '/docs//etc/passwd',
  '/docs/guide',
])('no path leaves the site: %s', async (path) => {
  const answer = await withDocs.raw(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  expect(answer).toContain('HTTP/1.1 404 ');
  expect(answer).not.toContain('outside');
});

test('the OpenAPI document is sent once and revalidated by its tag', async () => {
  const response = await fetch(`${plain.url}/api/openapi.json`);
  expect(((await response.json()) as { openapi: string }).openapi).toBe('3.1.0');
  const tag = response.headers.get('etag') ?? '';
  expect((await fetch(`${plain.url}/api/openapi.json`, { headers: { 'if-none-match': tag } })).status).toBe(304);
});
