import { afterEach, beforeEach, expect, test } from 'vitest';
import { DaisError } from '@dais/api';
import { systemClock } from '#lib/clock.ts';
import { TestNet } from '#lib/outbound/outbound.testing.ts';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { testOutbound } from '#testing/dais-outbound.ts';
import { ObjectHttp, type ObjectHttpOptions } from './object-http.ts';

let net: TestNet;
beforeEach(() => {
  net = new TestNet();
});
afterEach(async () => await net.end());

/** A client of a server that returns these responses, the last one again and again. */
async function against(
  answers: readonly ((request: IncomingMessage, response: ServerResponse) => void)[],
  more: Partial<ObjectHttpOptions> = {},
) {
  const seen: string[] = [];
  const origin = await net.serve((request, response) => {
    request.resume();
    seen.push(`${request.method} ${request.headers.authorization ?? ''}`.trim());
    answers[Math.min(seen.length, answers.length) - 1]!(request, response);
  });
  const outbound = testOutbound();
  const http = new ObjectHttp({
    outbound,
    clock: systemClock,
    where: 'the store',
    backoffMs: 1,
    sign: async ({ url, headers }) => await Promise.resolve({ url: url.href, headers: headers ?? {} }),
    refusal: () => undefined,
    codeOf: ({ body }) => body.toString().slice(0, 20),
    ...more,
  });
  const get = async () => await http.send({ method: 'GET', url: new URL(origin), doing: 'reading' });
  return { get, seen, close: async () => await outbound.close() };
}

const reply = (status: number, text: string, headers: Record<string, string> = {}) => {
  return (_request: IncomingMessage, response: ServerResponse) => {
    response.writeHead(status, headers);
    response.end(text);
  };
};
const reset = (request: IncomingMessage) => request.socket.resetAndDestroy();
const cut = (_request: IncomingMessage, response: ServerResponse) => {
  response.writeHead(200, { 'content-length': '10' });
  response.write('12345');
  setTimeout(() => response.socket?.resetAndDestroy(), 20);
};

test('retries a busy server, a broken connection and a truncated response', async () => {
  const client = await against([reply(503, 'busy', { 'retry-after': '0' }), reset, cut, reply(200, 'content')]);
  expect((await client.get()).body.toString()).toBe('content');
  expect(client.seen).toHaveLength(4);
  await client.close();
});

test('gives up after four attempts', async () => {
  const busy = await against([reply(503, 'SlowDown')]);
  await expect(busy.get()).rejects.toMatchObject({
    code: 'blobs_unavailable',
    message: 'the store responded with 503 SlowDown while reading',
  });
  expect(busy.seen).toHaveLength(4);
  await busy.close();
  const broken = await against([reset]);
  await expect(broken.get()).rejects.toMatchObject({
    message: expect.stringContaining('the store did not respond while reading'),
  });
  expect(broken.seen).toHaveLength(4);
  await broken.close();
});

test('does not repeat a request that the server rejects', async () => {
  const client = await against([reply(403, 'Denied', { date: new Date(Date.now() + 600_000).toUTCString() })]);
  const error = await client.get().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(DaisError);
  expect((error as DaisError).message).toMatch(/10 minutes behind the clock of the service/);
  expect(client.seen).toHaveLength(1);
  await client.close();
});

test('requests other credentials once', async () => {
  const tokens = ['Bearer 1', 'Bearer 2', 'Bearer 3'];
  const client = await against([reply(401, 'expired')], {
    sign: async ({ url }) => await Promise.resolve({ url: url.href, headers: { authorization: tokens.shift()! } }),
    renew: () => true,
  });
  await expect(client.get()).rejects.toMatchObject({ code: 'blobs_unavailable' });
  expect(client.seen).toEqual(['GET Bearer 1', 'GET Bearer 2']);
  await client.close();
});
