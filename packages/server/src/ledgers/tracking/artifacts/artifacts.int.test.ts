import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openFsBlobStore } from '#engines/blobs/fs/fs-blob-store.ts';
import { startHttpFixture, type HttpFixture } from '#http/testing/http-fixture.ts';
import { Content, CONTENT_DEFAULTS } from '#kernel/content/content.ts';
import { systemClock } from '#lib/clock.ts';
import { artifactEntries } from './artifact-entries.ts';

let http: HttpFixture;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-artifacts-'));
  const blobs = await openFsBlobStore({ root: folder, clock: systemClock });
  http = await startHttpFixture({
    entries: ({ database }) => {
      const content = new Content({ database, blobs, clock: systemClock, ...CONTENT_DEFAULTS });
      return artifactEntries({ database, content, clock: systemClock, random: randomBytes });
    },
  });
});
afterAll(async () => {
  await http.stop();
  await rm(folder, { recursive: true, force: true });
});

const at = (path: string) => `${http.url}/api/v1/tracking/artifacts/content?path=${encodeURIComponent(path)}`;
const put = async (path: string, bytes: string | Buffer) => await fetch(at(path), { method: 'PUT', body: bytes });
const list = async (path: string, more = '') => {
  const query = path === '' ? '' : `path=${encodeURIComponent(path)}`;
  const response = await fetch(`${http.url}/api/v1/tracking/artifacts?${query}${more}`);
  return (await response.json()) as { items: { name: string; directory: boolean }[]; nextCursor?: string };
};

test('bytes are returned as they were sent, completely and in ranges', async () => {
  const root = randomUUID();
  const bytes = randomBytes(300_000);
  const written = await put(`${root}/a/bytes.bin`, bytes);
  expect(await written.json()).toMatchObject({ path: `${root}/a/bytes.bin`, size: 300_000 });
  const whole = await fetch(at(`${root}/a/bytes.bin`));
  expect(whole.headers.get('accept-ranges')).toBe('bytes');
  expect(Buffer.from(await whole.arrayBuffer()).equals(bytes)).toBe(true);
  const part = await fetch(at(`${root}/a/bytes.bin`), { headers: { range: 'bytes=1000-1999' } });
  expect([part.status, part.headers.get('content-range')]).toEqual([206, 'bytes 1000-1999/300000']);
  expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(1000, 2000))).toBe(true);
  const outside = await fetch(at(`${root}/a/bytes.bin`), { headers: { range: 'bytes=300000-' } });
  expect([outside.status, outside.headers.get('content-range')]).toEqual([416, 'bytes */300000']);
  const known = await fetch(at(`${root}/a/bytes.bin`), {
    headers: { 'if-none-match': whole.headers.get('etag') ?? '' },
  });
  expect(known.status).toBe(304);
  const head = await fetch(at(`${root}/a/bytes.bin`), { method: 'HEAD' });
  expect(head.headers.get('content-length')).toBe('300000');
});

test('an artifact can be replaced, and one of several concurrent writers wins', async () => {
  const path = `${randomUUID()}/file`;
  await put(path, 'first');
  const answers = await Promise.all(['a', 'b', 'c', 'd'].map(async (text) => await put(path, text)));
  expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200, 200]);
  expect(['a', 'b', 'c', 'd']).toContain(await (await fetch(at(path))).text());
});

test('folders list their direct children in pages, independent of their depth', async () => {
  const root = randomUUID();
  const paths = ['b/1', 'b/2', 'b/c/3', 'a', 'b0', 'é', 'c/x', 'c.txt'];
  for (const path of paths) await put(`${root}/${path}`, path);
  const all = await list(root);
  expect(all.items.map(({ name, directory }) => `${name}${directory ? '/' : ''}`)).toEqual([
    'a',
    'b/',
    'b0',
    'c.txt',
    'c/',
    'é',
  ]);
  const seen: string[] = [];
  let cursor = '';
  do {
    const page = await list(root, `&limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`);
    seen.push(...page.items.map(({ name }) => name));
    cursor = page.nextCursor ?? '';
  } while (cursor !== '');
  expect(seen).toEqual(['a', 'b', 'b0', 'c.txt', 'c', 'é']);
  expect((await list(`${root}/a`)).items).toEqual([]);
  const removed = await fetch(`${http.url}/api/v1/tracking/artifacts?path=${root}/b`, { method: 'DELETE' });
  expect(await removed.json()).toEqual({ deleted: 3 });
  expect((await list(root)).items.map(({ name }) => name)).toEqual(['a', 'b0', 'c.txt', 'c', 'é']);
});

test.each(['../a', '/a', 'a//b', 'a/./b', 'a/..', 'a\\b', 'a\nb', 'a/'])('the path %j is rejected', async (path) => {
  const answer = await put(path, 'x');
  expect(answer.status).toBe(422);
  expect(await answer.json()).toMatchObject({ code: 'unsafe_path' });
});

test('missing artifacts are reported, and each project has its own artifacts', async () => {
  const path = `${randomUUID()}/file`;
  expect((await fetch(at(path))).status).toBe(404);
  await put(path, 'mine');
  const text = JSON.stringify({ apiVersion: 'dais.dev/v1', kind: 'Project', metadata: { name: 'other' }, spec: {} });
  const made = await fetch(`${http.url}/api/v1/apply`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sources: [{ file: 'other.json', text }] }),
  });
  expect(made.status).toBeLessThan(300);
  expect((await fetch(at(path).replace('/api/', '/p/other/api/'))).status).toBe(404);
});

test('an interrupted upload leaves no data', async () => {
  const path = `${randomUUID()}/broken`;
  const address = new URL(at(path));
  const socket = connect(Number(address.port), '127.0.0.1');
  const head = `PUT ${address.pathname}${address.search} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n`;
  socket.write(`${head}half`, () => socket.destroy());
  await once(socket, 'close');
  await expect.poll(() => http.server.running).toBe(0);
  expect((await fetch(at(path))).status).toBe(404);
});

test('an HTML artifact is rendered in an opaque origin without access', async () => {
  const path = `${randomUUID()}/report.html`;
  await put(path, '<!doctype html><script>document.title = "x"</script>');
  const response = await fetch(`${http.url}/api/v1/tracking/artifacts/page?path=${encodeURIComponent(path)}`);
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
  const policy = response.headers.get('content-security-policy') ?? '';
  expect(policy.split('; ')).toEqual(
    expect.arrayContaining(['sandbox allow-scripts', "default-src 'none'", "frame-ancestors 'self'"]),
  );
  expect(policy).not.toMatch(/allow-same-origin|connect-src|https?:/);
  expect(response.headers.get('content-disposition')).toBeNull();
  expect(await response.text()).toContain('<script>');
});
