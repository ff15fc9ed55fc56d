import { afterAll, beforeAll, expect, test } from 'vitest';
import { testContentRoutes, transferContent } from '#http/testing/content-routes.ts';
import { OWNER_TOKEN, startHttpFixture, type HttpFixture } from '#http/testing/http-fixture.ts';
import { startNginx, type Nginx } from '#http/testing/nginx.ts';

const GIB = 1024 ** 3;

let fixture: HttpFixture;
let nginx: Nginx;
beforeAll(async () => {
  fixture = await startHttpFixture({ doors: () => [testContentRoutes], server: { trustedProxies: ['127.0.0.1/32'] } });
  nginx = await startNginx(`location / {
    proxy_pass ${fixture.url}; proxy_http_version 1.1; proxy_set_header Connection "";
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; client_max_body_size 0; proxy_request_buffering off; }`);
});
afterAll(async () => {
  await nginx.stop();
  await fixture.stop();
});

test('10 GB pass in both directions through nginx with constant memory', async () => {
  const headers = { authorization: `Bearer ${OWNER_TOKEN}` };
  const { downloaded, uploaded, growth } = await transferContent(nginx.url, 10 * GIB, headers);
  expect([downloaded, uploaded]).toEqual([10 * GIB, 10 * GIB]);
  expect(growth / 1024 ** 2).toBeLessThan(160);
});
