import { afterAll, beforeAll, expect, test } from 'vitest';
import { openApiRoutes } from '#http/openapi/openapi-routes.ts';
import { docsRoutes, rootPageRoutes } from '#http/pages/docs-routes.ts';
import { testContentRoutes, transferContent } from '#http/testing/content-routes.ts';
import { OWNER_TOKEN, startHttpFixture, type HttpFixture } from '#http/testing/http-fixture.ts';
import { startNginx, type Nginx } from '#http/testing/nginx.ts';
import { note } from '#http/testing/note-kind.ts';
import { project } from '#kinds/project/index.ts';
import { OwnerAccess } from '#policy/owner-access.ts';
import { systemClock } from '#lib/clock.ts';

const MIB = 1024 * 1024;
const PUBLIC = 'https://dais.example.com/ml';

let fixture: HttpFixture;
let nginx: Nginx;
beforeAll(async () => {
  fixture = await startHttpFixture({
    kinds: [project, note],
    doors: (calls) => [
      testContentRoutes,
      openApiRoutes(calls.operations, '0.1.0'),
      rootPageRoutes({ calls, clock: systemClock, url: PUBLIC }),
      docsRoutes(undefined),
    ],
    server: {
      publicUrl: PUBLIC,
      trustedProxies: ['127.0.0.1/32'],
      access: new OwnerAccess({
        hosts: ['dais.example.com'],
        origins: ['https://dais.example.com'],
        token: OWNER_TOKEN,
        ownUid: process.geteuid?.(),
      }),
    },
  });
  const forward = `proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto https;
    proxy_set_header X-Forwarded-Host dais.example.com; client_max_body_size 0; proxy_request_buffering off;`;
  nginx = await startNginx(`
    location /ml/ { proxy_pass ${fixture.url}; ${forward} }
    location /stripped/ { proxy_pass ${fixture.url}/; ${forward} }`);
});
afterAll(async () => {
  await nginx.stop();
  await fixture.stop();
});

const authorized = { authorization: `Bearer ${OWNER_TOKEN}` };

test.each(['/ml', '/stripped'])('the API and its pages work below %s', async (base) => {
  const list = await fetch(`${nginx.url}${base}/p/default/api/v1/projects`, { headers: authorized });
  expect(list.status).toBe(200);
  const page = await (await fetch(`${nginx.url}${base}/`, { headers: authorized })).text();
  expect(page).toContain('href="/ml/api/openapi.json"');
  expect(page).toContain('at https://dais.example.com/ml');
  const document = (await (await fetch(`${nginx.url}${base}/api/openapi.json`, { headers: authorized })).json()) as {
    servers: { url: string }[];
  };
  expect(document.servers[0]?.url).toBe('https://dais.example.com/ml');
});

test('callers behind the proxy need the token, and are identified by their own address', async () => {
  expect((await fetch(`${nginx.url}/ml/api/v1/projects`)).status).toBe(401);
  await fetch(`${nginx.url}/ml/api/v1/projects`, { headers: { ...authorized, 'x-forwarded-for': '203.0.113.9' } });
  await expect.poll(() => fixture.finished.at(-1)?.client).toBe('203.0.113.9');
});

test('the public origin may write, other origins may not', async () => {
  const write = async (origin: string) =>
    await fetch(`${nginx.url}/ml/api/v1/plan`, {
      method: 'POST',
      headers: { ...authorized, origin, 'content-type': 'application/yaml' },
      body: 'apiVersion: dais.dev/v1\nkind: Project\nmetadata: {name: x}\nspec: {}\n',
    });
  expect((await write('https://dais.example.com')).status).toBe(200);
  expect((await write('https://evil.example.com')).status).toBe(403);
});

test.each(['a/b', '100%', 'a%2Fb', 'ä?#'])('the name %j passes a proxy that keeps the base path', async (name) => {
  const manifest = { apiVersion: 'dais.dev/v1', kind: 'Note', metadata: { name }, spec: { text: 'a' } };
  const headers = { ...authorized, 'content-type': 'application/json' };
  await fetch(`${nginx.url}/ml/api/v1/notes`, { method: 'POST', headers, body: JSON.stringify(manifest) });
  const answer = await fetch(`${nginx.url}/ml/api/v1/notes/${encodeURIComponent(name)}`, { headers });
  expect(((await answer.json()) as { metadata: { name: string } }).metadata.name).toBe(name);
});

test('events arrive one by one, unbuffered', async () => {
  const response = await fetch(`${nginx.url}/ml/api/v1/projects?watch=true`, { headers: authorized });
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const until = async (expected: string) => {
    while (!text.includes(expected)) text += (await reader.read()).value ?? '';
  };
  await until('"bookmark"');
  for (const name of ['first', 'second']) {
    await fetch(`${nginx.url}/ml/api/v1/projects`, {
      method: 'POST',
      headers: { ...authorized, 'content-type': 'application/json' },
      body: JSON.stringify({ apiVersion: 'dais.dev/v1', kind: 'Project', metadata: { name }, spec: {} }),
    });
    // Would wait forever if nginx buffered events.
    await until(`"name":"${name}"`);
  }
  await reader.cancel();
  await expect.poll(() => fixture.server.streams.size).toBe(0);
});

test('hundreds of megabytes pass in both directions with constant memory', async () => {
  const { downloaded, uploaded, growth } = await transferContent(`${nginx.url}/ml`, 300 * MIB, authorized);
  expect([downloaded, uploaded]).toEqual([300 * MIB, 300 * MIB]);
  expect(growth / MIB).toBeLessThan(128);
});
