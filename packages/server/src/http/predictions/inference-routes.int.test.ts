import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startHttpFixture, type HttpFixture } from '#http/testing/http-fixture.ts';
import { inferenceRoutes } from './inference-routes.ts';

let upstream: Server;
let fixture: HttpFixture;
const received: { readonly line: string; readonly body: string }[] = [];

beforeAll(async () => {
  upstream = createServer((request, response) => {
    void text(request).then((body) => {
      received.push({ line: `${request.method} ${request.url}`, body });
      response.end('ok');
    });
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const gateway = { host: '127.0.0.1', port: (upstream.address() as AddressInfo).port, token: 'token' };
  fixture = await startHttpFixture({ doors: (calls) => [inferenceRoutes({ calls, gateway })] });
});
afterAll(async () => {
  await fixture.stop();
  upstream.closeAllConnections();
  upstream.close();
});
beforeEach(() => void received.splice(0));

const HIDDEN = 'POST /p/default/v2/models/hidden/infer HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n';

function request(method: string, lines: readonly string[], body: string): string {
  return [`${method} /v2/health/live HTTP/1.1`, 'host: localhost', 'connection: close', ...lines, '', body].join(
    '\r\n',
  );
}

const chunked = (body: string) => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;

test.each([
  ['GET, chunked', request('GET', ['transfer-encoding: chunked'], chunked(HIDDEN)), HIDDEN],
  ['GET, with a length', request('GET', [`content-length: ${HIDDEN.length}`], HIDDEN), HIDDEN],
  ['GET, without a body', request('GET', [], ''), ''],
  ['POST, chunked', request('POST', ['transfer-encoding: chunked'], chunked(HIDDEN)), HIDDEN],
  ['POST, with a length', request('POST', [`content-length: ${HIDDEN.length}`], HIDDEN), HIDDEN],
  ['POST, without a body', request('POST', [], ''), ''],
])('a body is forwarded as the body of its request: %s', async (_, bytes, body) => {
  expect(await fixture.raw(bytes)).toMatch(/^HTTP\/1\.1 200 /);
  // The next request on the kept connection sees what the first one left there.
  expect(await fixture.raw(request('GET', [], ''))).toMatch(/^HTTP\/1\.1 200 /);
  const line = `${bytes.split(' ')[0]} /p/default/v2/health/live`;
  expect(received).toEqual([
    { line, body },
    { line: 'GET /p/default/v2/health/live', body: '' },
  ]);
});
