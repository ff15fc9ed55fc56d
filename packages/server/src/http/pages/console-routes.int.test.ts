import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { consoleRoutes, readConsolePage } from '#http/pages/console-routes.ts';
import { startHttpFixture, type HttpFixture } from '#http/testing/http-fixture.ts';

const PAGE = `<base href="/" /><meta property="csp-nonce" nonce="NONCE"><script src="./assets/a.js" nonce="NONCE"></script>`;
const SCRIPT = 'export const words = "what a script says";';

let folder: string;
let plain: HttpFixture;
let belowBasePath: HttpFixture;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-console-'));
  await writeFile(join(folder, 'secret.txt'), 'outside');
  const built = join(folder, 'built');
  await mkdir(join(built, 'assets'), { recursive: true });
  await writeFile(join(built, 'index.html'), PAGE);
  await writeFile(join(built, 'favicon.svg'), '<svg/>');
  const file = join(built, 'assets', 'main-D3xQ_a-1.js');
  await writeFile(file, SCRIPT);
  await writeFile(`${file}.br`, brotliCompressSync(SCRIPT));
  await writeFile(`${file}.gz`, gzipSync(SCRIPT));
  const page = (await readConsolePage(built)) ?? '';
  [plain, belowBasePath] = await Promise.all([
    startHttpFixture({ doors: () => [consoleRoutes(built, page)] }),
    startHttpFixture({ doors: () => [consoleRoutes(built, page)], server: { publicUrl: 'https://example.com/ml' } }),
  ]);
});
afterAll(async () => {
  await Promise.all([plain.stop(), belowBasePath.stop()]);
  await rm(folder, { recursive: true, force: true });
});

test('every URL of the console is one page, with a policy that only allows its own files and nonce', async () => {
  const nonces = new Set<string>();
  for (const path of ['/', '/projects/default/secrets/a%2Fb?tab=history', '/sign-in', '/organization/users']) {
    const response = await fetch(`${plain.url}${path}`);
    const html = await response.text();
    const policy = response.headers.get('content-security-policy') ?? '';
    const nonce = /'nonce-([^']+)'/.exec(policy)?.[1] ?? '';
    nonces.add(nonce);
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self' 'nonce-");
    expect(policy).not.toContain('unsafe');
    // No other site can frame this page, receive its forms or redirect its links.
    expect(policy).toContain("base-uri 'self'; form-action 'self'; frame-ancestors 'none'");
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(html).toBe(PAGE.replaceAll('NONCE', nonce));
  }
  expect(nonces.size).toBe(4);
});

test('project URLs of clients lead to the console', async () => {
  for (const path of ['/p/team%20a', '/p/team%20a/']) {
    const { status, headers } = await fetch(`${plain.url}${path}`, { redirect: 'manual' });
    expect([status, headers.get('location')]).toEqual([302, '/projects/team%20a']);
  }
  const below = await fetch(`${belowBasePath.url}/ml/p/..%2F..%2Fevil.example/`, { redirect: 'manual' });
  expect(below.headers.get('location')).toBe('/ml/projects/..%2F..%2Fevil.example');
});

test('behind a base path the page refers to its files and its server', async () => {
  expect(await (await fetch(`${belowBasePath.url}/ml/projects/x/secrets`)).text()).toContain('<base href="/ml/" />');
});

test.each([
  ['br', 'br'],
  ['gzip, deflate', 'gzip'],
  ['br;q=0, gzip', 'gzip'],
  ['identity', null],
])('with Accept-Encoding %s a file is sent in %s', async (accepted, encoding) => {
  const response = await fetch(`${plain.url}/assets/main-D3xQ_a-1.js`, { headers: { 'accept-encoding': accepted } });
  expect(await response.text()).toBe(SCRIPT);
  expect([response.headers.get('content-encoding'), response.headers.get('vary')]).toEqual([
    encoding,
    'accept-encoding',
  ]);
  expect(response.headers.get('cache-control')).toBe('private, max-age=31536000, immutable');
  expect(response.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
  const tag = response.headers.get('etag') ?? '';
  const again = await fetch(`${plain.url}/assets/main-D3xQ_a-1.js`, {
    headers: { 'accept-encoding': accepted, 'if-none-match': tag },
  });
  expect(again.status).toBe(304);
});

test.each(['/assets/none.js', '/assets/../secret.txt', '/assets/%2e%2e/%2e%2e/secret.txt', '/nowhere', '/index.html'])(
  'serves no other file: %s',
  async (path) => {
    const answer = await plain.raw(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    expect(answer).toContain('HTTP/1.1 404 ');
    expect(answer).not.toContain('outside');
  },
);

test('without a build there is no page', async () => {
  expect(await readConsolePage(join(folder, 'none'))).toBeUndefined();
});
