import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createClient } from '#client/client.ts';
import type { ClientOptions, DaisClient } from '#client/contract.ts';
import { DaisError, toProblem } from '#errors.ts';
import { uploadForExecutionOperation } from '#operations/executions.ts';
import { runPipelineOperation } from '#operations/pipelines.ts';
import { probeTargetOperation } from '#operations/targets.ts';

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}
type Answer = (response: ServerResponse, request: Seen) => void;

const open: Server[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => stop(server)));
});

async function stop(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => {
    server.close(resolve);
  });
}

/** A server that returns the responses in order; the last one is repeated. */
async function serve(...answers: Answer[]) {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const call = { method, url, headers, body: Buffer.concat(chunks).toString('utf8') };
      seen.push(call);
      answers[Math.min(seen.length, answers.length) - 1]?.(response, call);
    });
  });
  open.push(server);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen, server };
}

const json =
  (body: unknown): Answer =>
  (response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
const problem =
  (error: DaisError, headers: Record<string, string> = {}): Answer =>
  (response) => {
    const text = JSON.stringify(toProblem(error, 'req-1'));
    response.writeHead(error.status, { 'content-type': 'application/problem+json', ...headers }).end(text);
  };
const stream =
  (text: string, then: 'end' | 'cut' | 'stay' = 'end'): Answer =>
  (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    response.write(text);
    if (then === 'end') response.end();
    if (then === 'cut') setImmediate(() => response.destroy());
  };

function client(url: string, options: Partial<ClientOptions> = {}): { dais: DaisClient; waits: number[] } {
  const waits: number[] = [];
  const sleep = (ms: number) => {
    waits.push(ms);
    return Promise.resolve();
  };
  return { dais: createClient({ url, sleep, random: () => 1, ...options }), waits };
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

async function failure(promise: Promise<unknown>): Promise<DaisError> {
  const error = await promise.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DaisError);
  return error as DaisError;
}

const frame = (position: string, name: string) =>
  `id: ${position}\ndata: ${JSON.stringify({ type: 'added', resourceVersion: position, object: { metadata: { name } } })}\n\n`;

test('a request has the project, the token and the encoded name', async () => {
  const { url, seen } = await serve(json({ kind: 'Secret' }));
  const { dais } = client(`${url}/base/`, { token: 't', project: 'vision' });
  await dais.get('Secret', 'a/b %ü');
  await dais.get('Project', 'vision');
  expect(seen.map((call) => call.url)).toEqual([
    '/base/p/vision/api/v1/secrets/a%2Fb%20%25%C3%BC',
    '/base/api/v1/projects/vision',
  ]);
  expect(seen[0]?.headers.authorization).toBe('Bearer t');
});

test('a rejection is returned as the original error, with its request id', async () => {
  const issues = [{ path: 'spec.data', message: 'is a list', expected: 'a map', line: 3, column: 4 }];
  const { url } = await serve(problem(new DaisError('invalid_manifest', 'spec.data is a list.', { issues })));
  const { dais } = client(url);
  const error = await failure(dais.create('Secret', { yaml: 'kind: Secret' }));
  expect(error).toMatchObject({
    code: 'invalid_manifest',
    message: 'spec.data is a list.',
    issues,
    requestId: 'req-1',
  });
});

test('a code of a newer server is mapped to the nearest one of this version', async () => {
  const newer = { ...toProblem(new DaisError('conflict', 'Half of it.')), code: 'half_done', title: 'Half done' };
  const { url } = await serve((response) => response.writeHead(409).end(JSON.stringify(newer)));
  const error = await failure(client(url).dais.get('Secret', 'x'));
  expect(error.code).toBe('conflict');
  expect(error.message).toContain('Half done');
});

test('a response of another program is reported as such', async () => {
  const { url } = await serve((response) => response.writeHead(404, { 'content-type': 'text/html' }).end('<html>'));
  const error = await failure(client(url).dais.server());
  expect(error.code).toBe('upstream_failed');
  expect(error.message).toContain('is not a Dais response');
});

test('reads are retried as long as the server asks for patience', async () => {
  const busy = problem(new DaisError('overloaded', ''), { 'retry-after': '2' });
  const { url, seen } = await serve(busy, busy, json({ items: [], resourceVersion: '1' }));
  const { dais, waits } = client(url);
  await dais.listPage('Secret');
  expect(seen).toHaveLength(3);
  expect(waits).toEqual([2000, 2000]);
});

test('a longer Retry-After than the longest delay ends the attempts', async () => {
  const { url, seen } = await serve(problem(new DaisError('rate_limited', ''), { 'retry-after': '3600' }));
  const error = await failure(client(url).dais.listPage('Secret'));
  expect(error).toMatchObject({ code: 'rate_limited', retryAfter: 3600 });
  expect(seen).toHaveLength(1);
});

test('writes are retried with one key, and never without', async () => {
  const busy = problem(new DaisError('database_unavailable', ''));
  const first = await serve(busy, json({ changes: [] }));
  await client(first.url).dais.apply({ sources: [{ file: 'a', text: 'b' }] });
  expect(first.seen).toHaveLength(2);
  expect(new Set(first.seen.map((call) => call.headers['idempotency-key'])).size).toBe(1);
  const second = await serve(busy, json({ changes: [] }));
  const { dais } = client(second.url, { newKey: () => undefined });
  await failure(dais.apply({ sources: [{ file: 'a', text: 'b' }] }));
  expect(second.seen).toHaveLength(1);
});

test('an operation is retried with the given key, and an upload when its bytes can be produced again', async () => {
  const busy = problem(new DaisError('database_unavailable', ''));
  const write = await serve(busy, json({}));
  await client(write.url).dais.perform(runPipelineOperation, { name: 'p', parameters: {} }, { idempotencyKey: 'k' });
  expect(write.seen.map((call) => call.headers['idempotency-key'])).toEqual(['k', 'k']);

  const taken = await serve(busy, json({ upload: 'u' }));
  const bytes = () => new Blob(['abc']).stream();
  await client(taken.url).dais.upload(uploadForExecutionOperation, {}, bytes);
  expect(taken.seen.map(({ body }) => body)).toEqual(['abc', 'abc']);
  const once = await serve(busy, json({ upload: 'u' }));
  await failure(client(once.url).dais.upload(uploadForExecutionOperation, {}, bytes()));
  expect(once.seen).toHaveLength(1);
});

test('with a timeout instead of a count, attempts continue until it is over', async () => {
  const { url, server } = await serve(json({}));
  await stop(server);
  let now = 0;
  const waits: number[] = [];
  const sleep = async (ms: number) => {
    waits.push(ms);
    now += ms;
    await Promise.resolve();
  };
  const retry = { withinMs: 5000, capMs: 1000 };
  const patient = createClient({ url, retry, sleep, now: () => now, random: () => 1 });
  expect((await failure(patient.server())).code).toBe('server_unreachable');
  expect(waits).toEqual([200, 400, 800, 1000, 1000, 1000, 1000]);
});

test('a permanent failure is not retried', async () => {
  const { url, seen } = await serve(problem(new DaisError('not_found', 'There is no Secret "x".')));
  await failure(client(url).dais.get('Secret', 'x'));
  expect(seen).toHaveLength(1);
});

test('an unreachable server is reported with its URL', async () => {
  const { url, server } = await serve(json({}));
  await stop(server);
  const { dais, waits } = client(url, { retry: { attempts: 3 } });
  const error = await failure(dais.server());
  expect(error).toMatchObject({ code: 'server_unreachable', message: `No server at ${url}.` });
  expect(waits).toEqual([200, 400]);
});

test('a missing response times out', async () => {
  const { url } = await serve(() => {});
  const error = await failure(client(url, { timeoutMs: 50, retry: { attempts: 1 } }).dais.server());
  expect(error.message).toBe(`${url} did not respond within 0.05 s.`);
});

test('an operation has a timeout of its own', async () => {
  const { url } = await serve(() => {});
  const call = client(url).dais.perform(probeTargetOperation, { name: 'gpu' }, { timeoutMs: 50 });
  expect((await failure(call)).message).toBe(`${url} did not respond within 0.05 s.`);
});

test('a caller that stops waiting gets its own reason', async () => {
  const { url } = await serve(() => {});
  const abort = new AbortController();
  const call = client(url).dais.server({ signal: abort.signal });
  abort.abort(new Error('enough'));
  await expect(call).rejects.toThrow('enough');
});

test('lists continue from page to page', async () => {
  const { url, seen } = await serve(
    json({ items: [{ n: 1 }, { n: 2 }], nextCursor: 'c+1', resourceVersion: '9' }),
    json({ items: [{ n: 3 }], resourceVersion: '9' }),
  );
  const items = await collect(client(url).dais.list('Secret', { labels: 'team=a', limit: 2 }));
  expect(items).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
  expect(seen.map((call) => call.url)).toEqual([
    '/api/v1/secrets?labels=team%3Da&limit=2',
    '/api/v1/secrets?labels=team%3Da&limit=2&cursor=c%2B1',
  ]);
});

test('an update can be bound to a version', async () => {
  const { url, seen } = await serve(json({}));
  const manifest = { apiVersion: 'dais.dev/v1', kind: 'Secret', metadata: { name: 'x' }, spec: {} } as const;
  await client(url).dais.update('Secret', 'x', manifest, { resourceVersion: '12' });
  await client(url).dais.delete('Secret', 'x');
  expect(seen.map((call) => [call.method, call.headers['if-match']])).toEqual([
    ['PUT', '"12"'],
    ['DELETE', undefined],
  ]);
});

test('a kind that only the server has is requested once', async () => {
  const { url, seen } = await serve(
    json({ kinds: [{ kind: 'Gadget', plural: 'gadgets', scope: 'project' }] }),
    json({ metadata: { name: 'x' } }),
  );
  const { dais } = client(url);
  await dais.get('Gadget', 'x');
  await dais.get('Gadget', 'y');
  const error = await failure(dais.get('Gadgte', 'x'));
  expect(error.issues?.[0]?.nearest).toBe('Gadget');
  expect(seen.map((call) => call.url)).toEqual(['/api/v1/server', '/api/v1/gadgets/x', '/api/v1/gadgets/y']);
});

test('a watch resumes where it was interrupted, and reports why', async () => {
  const { url, seen } = await serve(
    stream(`retry: 2000\n\n${frame('5', 'a')}`, 'cut'),
    problem(new DaisError('shutting_down', '')),
    stream(
      `${frame('6', 'b')}event: error\ndata: ${JSON.stringify(toProblem(new DaisError('overloaded', 'slow')))}\n\n`,
    ),
    stream(frame('7', 'c'), 'stay'),
  );
  const reasons: string[] = [];
  const names: string[] = [];
  const watch = client(url).dais.watch(
    'Secret',
    {},
    { resourceVersion: '4', onReconnect: (e) => reasons.push(e.code) },
  );
  for await (const event of watch) {
    if (event.type !== 'bookmark') names.push(event.object.metadata.name);
    if (names.length === 3) break;
  }
  expect(names).toEqual(['a', 'b', 'c']);
  expect(seen.map((call) => call.url)).toEqual(
    ['4', '5', '5', '6'].map((position) => `/api/v1/secrets?watch=true&resourceVersion=${position}`),
  );
  expect(reasons).toEqual(['server_unreachable', 'shutting_down', 'overloaded']);
});

test('an expired position ends a watch', async () => {
  const { url } = await serve(problem(new DaisError('cursor_expired', 'Too old.')));
  const error = await failure(collect(client(url).dais.watch('Secret', {}, { resourceVersion: '1' })));
  expect(error.code).toBe('cursor_expired');
});

test('a watch that never opens fails after its attempts; a silent one reconnects', async () => {
  const gone = await serve(json({}));
  await stop(gone.server);
  expect((await failure(collect(client(gone.url).dais.watchEvents()))).code).toBe('server_unreachable');
  const { url, seen } = await serve(stream(': hello\n\n', 'stay'), stream(frame('1', 'a'), 'stay'));
  for await (const event of client(url, { timeoutMs: 50 }).dais.watchEvents()) {
    expect(event).toMatchObject({ resourceVersion: '1' });
    break;
  }
  expect(seen).toHaveLength(2);
});

test('a watch ends with the signal of its reader', async () => {
  const { url } = await serve(stream(frame('1', 'a'), 'stay'));
  const abort = new AbortController();
  const read = (async () => {
    for await (const event of client(url).dais.watch('Secret', {}, { signal: abort.signal })) {
      abort.abort(new Error(`saw ${event.type}`));
    }
  })();
  await expect(read).rejects.toThrow('saw added');
});

test.each(['ftp://x', 'nonsense', 'http://user:secret@host'])('%s is an invalid URL', (url) => {
  expect(() => createClient({ url })).toThrow(DaisError);
  expect(() => createClient({ url })).not.toThrow('secret@');
});
