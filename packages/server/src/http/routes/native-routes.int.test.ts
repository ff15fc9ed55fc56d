import { deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startHttpFixture, type HttpFixture } from '#http/testing/http-fixture.ts';
import { note } from '#http/testing/note-kind.ts';
import { project } from '#kinds/project/index.ts';

let fixture: HttpFixture;
beforeAll(async () => {
  fixture = await startHttpFixture({ kinds: [project, note] });
});
afterAll(async () => await fixture.stop());

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // oxlint-disable-next-line typescript/no-explicit-any -- Answers of many shapes, inspected by the expectations.
  readonly body: any;
}

async function ask(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${fixture.url}${path}`, {
    method,
    headers: {
      ...(body !== undefined && typeof body !== 'string' && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = response.headers.get('content-type')?.includes('json') === true && text !== '';
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
}

const manifest = (name: string, text = 'a') => ({
  apiVersion: 'dais.dev/v1',
  kind: 'Note',
  metadata: { name },
  spec: { text },
});

test.each<[string, (text: string) => Buffer]>([
  ['gzip', gzipSync],
  ['x-gzip', gzipSync],
  ['GZIP', gzipSync],
  ['deflate', deflateSync],
  ['identity', (text) => Buffer.from(text)],
])('a body as %s', async (encoding, pack) => {
  const name = `packed-${encoding.toLowerCase()}${encoding === 'GZIP' ? '-large' : ''}`;
  const response = await fetch(`${fixture.url}/api/v1/notes`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-encoding': encoding },
    body: pack(JSON.stringify(manifest(name, 'é'))),
  });
  expect(response.status).toBe(201);
  expect((await ask('GET', `/api/v1/notes/${name}`)).body.spec).toEqual({ text: 'é' });
});

describe('resources', () => {
  test('create, read, replace, history, roll back, delete', async () => {
    const created = await ask('POST', '/api/v1/notes', manifest('life'));
    expect([created.status, created.body.metadata.generation]).toEqual([201, 1]);
    expect(created.headers.get('etag')).toBe(`"${created.body.metadata.resourceVersion}"`);
    const replaced = await ask('PUT', '/api/v1/notes/life', manifest('life', 'b'));
    expect([replaced.status, replaced.body.spec.text]).toEqual([200, 'b']);
    expect((await ask('GET', '/api/v1/notes/life/history?limit=1')).body.items).toHaveLength(1);
    const back = await ask('POST', '/api/v1/notes/life/actions/rollback');
    expect([back.status, back.body.spec.text, back.body.metadata.generation]).toEqual([200, 'a', 3]);
    expect((await ask('POST', '/api/v1/notes/life/actions/stamp', { mark: 'x' })).body).toEqual({ stamped: 'life: x' });
    expect((await ask('DELETE', '/api/v1/notes/life')).status).toBe(200);
    expect((await ask('GET', '/api/v1/notes/life')).body).toMatchObject({ status: 404, code: 'not_found' });
  });

  test('returns 409 for an existing name, and positions for an invalid manifest', async () => {
    await ask('POST', '/api/v1/notes', manifest('taken'));
    expect((await ask('POST', '/api/v1/notes', manifest('taken'))).body.code).toBe('already_exists');
    const faulty = await ask('POST', '/api/v1/notes', { ...manifest('x'), spec: { txt: 1 } });
    expect([faulty.status, faulty.headers.get('content-type')]).toEqual([
      400,
      'application/problem+json; charset=utf-8',
    ]);
    expect(faulty.body.issues).toEqual(
      expect.arrayContaining([expect.objectContaining({ path: 'manifest.spec.txt', nearest: 'text' })]),
    );
  });

  test('a cursor of a list belongs to its filter', async () => {
    for (const name of ['page-1', 'page-2', 'page-3']) await ask('POST', '/api/v1/notes', manifest(name));
    const first = await ask('GET', '/api/v1/notes?limit=2');
    expect(first.body.items).toHaveLength(2);
    const next = encodeURIComponent(first.body.nextCursor);
    const second = await ask('GET', `/api/v1/notes?limit=2&cursor=${next}`);
    expect(second.body.items[0].metadata.name > first.body.items[1].metadata.name).toBe(true);
    expect((await ask('GET', `/api/v1/notes?origin=kfp&cursor=${next}`)).body.code).toBe('invalid_cursor');
    expect(first.headers.get('etag')).toBeNull();
  });

  test('a project in the path is the project of the request', async () => {
    await ask('POST', '/api/v1/projects', {
      apiVersion: 'dais.dev/v1',
      kind: 'Project',
      metadata: { name: 'flights' },
      spec: {},
    });
    await ask('POST', '/p/flights/api/v1/notes', manifest('there'));
    expect((await ask('GET', '/p/flights/api/v1/notes/there')).body.metadata.project).toBe('flights');
    expect((await ask('GET', '/api/v1/notes/there')).status).toBe(404);
    const elsewhere = { ...manifest('x'), metadata: { name: 'x', project: 'default' } };
    expect((await ask('POST', '/p/flights/api/v1/notes', elsewhere)).body.code).toBe('project_mismatch');
    expect((await ask('GET', '/p/nowhere/api/v1/notes')).body).toMatchObject({ code: 'not_found' });
  });

  test.each([
    'a/b',
    '100%',
    'ä ö ü',
    '日本',
    'a?b#c',
    '..',
    '.',
    'a%2Fb',
    '\'quo"te',
    'x'.repeat(256),
    '😀'.repeat(128),
  ])('accepts the name %j', async (name) => {
    const created = await ask('POST', '/api/v1/notes', manifest(name));
    expect(created.status).toBe(201);
    // fetch resolves dot segments before sending, as every browser does: a raw request keeps them.
    const path = `/api/v1/notes/${encodeURIComponent(name)}`;
    const answer = await fixture.raw(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
    expect(answer).toContain('HTTP/1.1 200 OK');
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))).metadata.name).toBe(name);
  });
});

describe('conditions', () => {
  test('If-Match guards replace and delete', async () => {
    const tag = (await ask('POST', '/api/v1/notes', manifest('guarded'))).headers.get('etag') ?? '';
    const stale = await ask('PUT', '/api/v1/notes/guarded', manifest('guarded', 'b'), { 'if-match': '"0"' });
    expect([stale.status, stale.body.code]).toEqual([412, 'precondition_failed']);
    expect((await ask('DELETE', '/api/v1/notes/guarded', undefined, { 'if-match': '"0"' })).status).toBe(412);
    expect(
      (await ask('PUT', '/api/v1/notes/guarded', manifest('guarded', 'b'), { 'if-match': `W/${tag}` })).status,
    ).toBe(200);
    expect((await ask('DELETE', '/api/v1/notes/guarded', undefined, { 'if-match': '*' })).status).toBe(200);
  });

  test('If-None-Match avoids sending the body', async () => {
    const tag = (await ask('POST', '/api/v1/notes', manifest('known'))).headers.get('etag') ?? '';
    const known = await ask('GET', '/api/v1/notes/known', undefined, { 'if-none-match': tag });
    expect([known.status, known.body, known.headers.get('etag')]).toEqual([304, '', tag]);
    expect((await ask('GET', '/api/v1/notes/known', undefined, { 'if-none-match': '"0"' })).status).toBe(200);
  });

  test('a repeated Idempotency-Key returns the first response, and is rejected for another request', async () => {
    const key = { 'idempotency-key': '"k-1"' };
    const first = await ask('POST', '/api/v1/notes', manifest('once'), key);
    const again = await ask('POST', '/api/v1/notes', manifest('once'), key);
    expect([again.status, again.body]).toEqual([201, first.body]);
    expect((await ask('POST', '/api/v1/notes', manifest('twice'), key)).body.code).toBe('idempotency_mismatch');
    expect((await ask('POST', '/api/v1/notes', manifest('z'), { 'idempotency-key': 'a b' })).body.code).toBe(
      'invalid_request',
    );
  });
});

describe('YAML', () => {
  const yaml = { 'content-type': 'application/yaml; charset=UTF-8' };

  test('one manifest, with positions in errors', async () => {
    const text = 'apiVersion: dais.dev/v1\nkind: Note\nmetadata: {name: yaml-1}\nspec:\n  text: a\n';
    expect((await ask('POST', '/api/v1/notes', text, yaml)).status).toBe(201);
    const faulty = await ask('POST', '/api/v1/notes', text.replace('text: a', 'txet: a'), yaml);
    expect(faulty.body.issues).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ file: '-', line: 5, column: 3, path: 'spec.txet', nearest: 'text' }),
      ]),
    );
  });

  test('apply and plan accept several documents', async () => {
    const text = ['many-1', 'many-2'].map((name) => JSON.stringify(manifest(name))).join('\n---\n');
    const plan = await ask('POST', '/api/v1/plan?owner=set', text, yaml);
    expect(plan.body.changes.map((change: { action: string }) => change.action)).toEqual(['create', 'create']);
    expect((await ask('POST', '/api/v1/apply?owner=set&prune=true', text, yaml)).status).toBe(200);
    const again = await ask('POST', '/api/v1/apply', { sources: [{ file: 'a.yaml', text }], owner: 'set' });
    expect(again.body.changes.map((change: { action: string }) => change.action)).toEqual(['unchanged', 'unchanged']);
    const faulty = await ask('POST', '/api/v1/apply', `${text}\n---\nkind: Nota\napiVersion: dais.dev/v1\n`, yaml);
    expect(faulty.body.issues[0]).toMatchObject({ file: '-', line: 5, nearest: 'Note' });
  });

  test('other routes accept JSON only', async () => {
    expect((await ask('POST', '/api/v1/notes/x/actions/stamp', 'mark: a', yaml)).body.code).toBe(
      'unsupported_media_type',
    );
  });
});

describe('invalid requests', () => {
  test.each([
    ['GET', '/api/v1/notes?limt=1', undefined, {}, 400, 'invalid_request'],
    ['GET', '/api/v1/notes?limit=1&limit=2', undefined, {}, 400, 'invalid_request'],
    ['GET', '/api/v1/notes?limit=x', undefined, {}, 400, 'invalid_request'],
    ['GET', '/api/v1/notes?limit=0', undefined, {}, 400, 'invalid_request'],
    ['GET', '/api/v1/notes?watch=perhaps', undefined, {}, 400, 'invalid_request'],
    ['GET', '/api/v1/notes?labels=%ff', undefined, {}, 400, 'invalid_request'],
    ['GET', '/api/v1/notes/%ff', undefined, {}, 400, 'invalid_request'],
    ['GET', '/api/v1/notes/%00', undefined, {}, 400, 'invalid_request'],
    ['GET', `/api/v1/notes/${'x'.repeat(4000)}`, undefined, {}, 400, 'invalid_request'],
    ['GET', '/api/v1/notes', undefined, { accept: 'text/html' }, 406, 'not_acceptable'],
    ['GET', '/api/v1/notes', undefined, { accept: 'text/event-stream' }, 406, 'not_acceptable'],
    ['POST', '/api/v1/notes', '{"a":', { 'content-type': 'application/json' }, 400, 'unreadable_body'],
    [
      'POST',
      '/api/v1/notes',
      '{}',
      { 'content-type': 'application/json; charset=latin1' },
      415,
      'unsupported_media_type',
    ],
    [
      'POST',
      '/api/v1/notes',
      'a=b',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
      'unsupported_media_type',
    ],
    ['POST', '/api/v1/notes', '{}', { 'content-type': 'nonsense' }, 415, 'unsupported_media_type'],
    [
      'POST',
      '/api/v1/notes',
      '{}',
      { 'content-type': 'application/json', 'content-encoding': 'br' },
      415,
      'unsupported_media_type',
    ],
    [
      'POST',
      '/api/v1/notes',
      '{}',
      { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      400,
      'unreadable_body',
    ],
    ['POST', '/api/v1/notes', undefined, {}, 400, 'invalid_request'],
    ['POST', '/api/v1/notes', '[]', { 'content-type': 'application/json' }, 400, 'invalid_request'],
    ['POST', '/api/v1/notes', '['.repeat(70), { 'content-type': 'application/json' }, 400, 'unreadable_body'],
    ['POST', '/api/v1/notes/x/actions/stamp', '[]', { 'content-type': 'application/json' }, 400, 'invalid_request'],
    ['POST', '/api/v1/notes/x/actions/rollback', undefined, { 'if-match': '"1"' }, 400, 'invalid_request'],
    ['PATCH', '/api/v1/notes/x', undefined, {}, 405, 'method_not_allowed'],
    ['TRACE', '/api/v1/notes/x', undefined, {}, 405, 'method_not_allowed'],
    ['PUT', '/api/v1/notes', 'not even JSON', { 'content-type': 'application/json' }, 405, 'method_not_allowed'],
    ['GET', '/api/v1/note', undefined, {}, 404, 'route_not_found'],
    ['GET', '/api/v1/notes/', undefined, {}, 400, 'invalid_request'],
    ['POST', '/nowhere', '{', { 'content-type': 'application/json' }, 404, 'route_not_found'],
  ])('%s %.40s %j %j: %i %s', async (method, path, body, headers, status, code) => {
    const rawHeaders = Object.entries({ host: 'localhost', connection: 'close', ...headers });
    const length = body === undefined ? [] : [['content-length', String(Buffer.byteLength(body))]];
    const lines = [...rawHeaders, ...length].map(([name, value]) => `${name}: ${value}\r\n`).join('');
    const answer = await fixture.raw(`${method} ${path} HTTP/1.1\r\n${lines}\r\n${body ?? ''}`);
    expect(answer).toContain(`HTTP/1.1 ${status} `);
    const problem = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')));
    expect(problem).toMatchObject({ code, status, requestId: expect.any(String), remedy: expect.any(String) });
    expect(answer.toLowerCase()).toContain('content-type: application/problem+json');
  });

  test('rejects a body above the limit before reading it', async () => {
    const large = await ask('POST', '/api/v1/notes', JSON.stringify(manifest('l', 'x'.repeat(16 * 1024 * 1024))), {
      'content-type': 'application/json',
    });
    expect([large.status, large.body.code]).toEqual([413, 'too_large']);
    expect(large.body.detail).toContain('16777216 bytes');
  });

  test('a decompression bomb', async () => {
    const packed = gzipSync(JSON.stringify(manifest('bomb', 'x'.repeat(16 * 1024 * 1024))));
    expect(packed.length).toBeLessThan(100_000);
    const response = await fetch(`${fixture.url}/api/v1/notes`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      body: packed,
    });
    expect(await response.json()).toMatchObject({
      code: 'too_large',
      status: 413,
      detail: expect.stringContaining('The decompressed body exceeds the limit of 16777216 bytes'),
    });
    expect((await ask('GET', '/api/v1/notes/bomb')).status).toBe(404);
  });

  test('invalid UTF-8', async () => {
    const response = await fetch(`${fixture.url}/api/v1/notes`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: Buffer.from([0x22, 0xff, 0x22]),
    });
    expect(await response.json()).toMatchObject({ code: 'not_utf8', status: 400 });
  });

  test('unexpected errors contain no details, which are logged', async () => {
    await ask('POST', '/api/v1/notes', manifest('broken'));
    const answer = await ask(
      'POST',
      '/api/v1/notes/broken/actions/stamp',
      { mark: 'x', fail: true },
      { 'x-request-id': 'r-1' },
    );
    expect([answer.status, answer.body.code, answer.body.requestId]).toEqual([500, 'internal', 'r-1']);
    expect(JSON.stringify(answer.body)).not.toContain('secret detail');
    const line = fixture.logged.find(({ fields }) => fields?.['requestId'] === 'r-1');
    expect(line?.fields).toMatchObject({ error: { message: 'secret detail of a broken stamp' } });
  });
});

describe('methods', () => {
  test('OPTIONS and 405 list the methods of the path', async () => {
    const options = await ask('OPTIONS', '/api/v1/notes');
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS, POST']);
    const one = await ask('POST', '/api/v1/notes/x');
    expect([one.status, one.headers.get('allow')]).toEqual([405, 'DELETE, GET, HEAD, OPTIONS, PUT']);
    expect((await ask('DELETE', '/p/default/api/v1/apply')).headers.get('allow')).toBe('OPTIONS, POST');
  });

  test('HEAD responds like GET without the body', async () => {
    const tag = (await ask('POST', '/api/v1/notes', manifest('head'))).headers.get('etag');
    const head = await ask('HEAD', '/api/v1/notes/head');
    expect([head.status, head.body, head.headers.get('etag')]).toEqual([200, '', tag]);
    expect(Number(head.headers.get('content-length'))).toBeGreaterThan(100);
    expect((await ask('HEAD', '/api/v1/notes?watch=true')).status).toBe(200);
    expect((await ask('HEAD', '/api/v1/notes/none')).status).toBe(404);
  });
});

describe('headers of every response', () => {
  test('keeps valid request ids, and replaces others', async () => {
    expect(
      (await ask('GET', '/api/v1/server', undefined, { 'x-request-id': 'abc-1' })).headers.get('x-request-id'),
    ).toBe('abc-1');
    const other = (await ask('GET', '/api/v1/server', undefined, { 'x-request-id': 'a b<' })).headers.get(
      'x-request-id',
    );
    expect(other).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
  });

  test('security headers, on problems too', async () => {
    for (const path of ['/api/v1/server', '/nowhere']) {
      const { headers } = await ask('GET', path);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      expect(headers.get('cross-origin-resource-policy')).toBe('same-origin');
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
      expect(headers.get('strict-transport-security')).toBeNull();
    }
  });

  test.each(['gzip', 'br'])('compresses long responses with %s', async (encoding) => {
    await ask('POST', '/api/v1/notes', manifest(`long-${encoding}`, 'x'.repeat(5000)));
    const answer = await ask('GET', `/api/v1/notes/long-${encoding}`, undefined, { 'accept-encoding': encoding });
    expect([answer.headers.get('content-encoding'), answer.headers.get('vary')]).toEqual([encoding, 'accept-encoding']);
    expect(answer.body.spec.text).toHaveLength(5000);
  });
});

test('every operation has a route, and finished requests are reported with their operation', async () => {
  for (const operation of fixture.kernel.dispatcher.operations.filter(({ mode }) => mode !== 'watch')) {
    const { method, path } = operation.http;
    const answer = await ask(method, path.replaceAll(/:\w+/g, 'none'));
    expect(answer.body.code === 'route_not_found' || answer.status >= 500).toBe(false);
    await expect.poll(() => fixture.finished.at(-1)?.operation).toBe(operation.name);
  }
});
