import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readRequestHead } from '#lib/http/request-head.ts';
import { forwardedHead, planPrediction } from './prediction-plan.ts';

function plan(target: string, lines: readonly string[] = [], basePath = '') {
  const head = readRequestHead([`POST ${target} HTTP/1.1`, 'host: localhost', ...lines].join('\r\n'));
  if (head === undefined) throw new Error('not a plain request');
  return planPrediction(head, basePath);
}

describe('predictions that the fast path forwards', () => {
  test.each([
    ['/v2/models/delays/infer', 'delays', []],
    ['/v2/models/delays/versions/7/infer', 'delays', []],
    ['/endpoints/delays/invocations', 'delays', []],
    ['/endpoints/delays/versions/canary/invocations', 'delays', []],
    ['/v1/models/delays:predict', 'delays', []],
    ['/p/flights/v2/models/delays/infer', 'delays', ['flights']],
  ])('%s', (target, endpoint, projects) => {
    expect(plan(target)).toMatchObject({ endpoint, projects, shownPath: target });
  });

  test('below the base path of a proxy', () => {
    expect(plan('/ml/v2/models/delays/infer', [], '/ml')).toMatchObject({ endpoint: 'delays' });
    expect(plan('/ml/v2/models/delays/infer')).toBeUndefined();
  });

  test('both projects of a request count', () => {
    expect(plan('/p/a/v2/models/delays/infer', ['dais-project: b'])?.projects).toEqual(['a', 'b']);
  });
});

describe('requests of the routes', () => {
  test.each([
    '/v2/models/delays',
    '/v2/models/delays/explain',
    '/v2/models/a%2Fb/infer',
    '/v2/models/delays/infer?x=1',
    '/v2/models//infer',
    '/p/a%20b/v2/models/delays/infer',
    '/p/a/p/b/v2/models/delays/infer',
    '/api/v1/projects',
    '//v2/models/delays/infer',
  ])('%s', (target) => {
    expect(plan(target)).toBeUndefined();
  });

  test.each([
    'cookie: a=b',
    'origin: http://localhost',
    'sec-fetch-site: same-origin',
    'x-forwarded-for: 10.0.0.1',
    'forwarded: for=10.0.0.1',
    'via: 1.1 proxy',
    'dais-ticket: t',
    'idempotency-key: k',
    'user-agent: Mozilla/5.0',
    'accept: text/html',
  ])('with %s', (line) => {
    expect(plan('/v2/models/delays/infer', [line])).toBeUndefined();
  });

  test('GET', () => {
    const head = readRequestHead('GET /v2/models/delays/infer HTTP/1.1\r\nhost: localhost');
    expect(head && planPrediction(head, '')).toBeUndefined();
  });
});

const as = { host: '127.0.0.1:7071', token: 'secret', principal: 'user/ada', traceparent: undefined };

describe('the head that the gateway gets', () => {
  test('has the project, the identity of Dais and the caller, and no header that only Dais may set', () => {
    const lines = ['content-length: 3', 'authorization: Bearer mine', 'dais-on-behalf-of: user/eve', 'x-request-id: r'];
    const found = plan('/v2/models/delays/infer', [...lines, 'dais-variant: canary']);
    expect(found && forwardedHead(found, as).split('\r\n')).toEqual([
      'POST /p/default/v2/models/delays/infer HTTP/1.1',
      'content-length: 3',
      'dais-variant: canary',
      'host: 127.0.0.1:7071',
      'authorization: Bearer secret',
      'dais-on-behalf-of: user/ada',
    ]);
  });

  test('names the span of this server instead of the one of the client', () => {
    const found = plan('/v2/models/delays/infer', ['traceparent: theirs']);
    expect(found && forwardedHead(found, as)).toContain('traceparent: theirs');
    const traced = found && forwardedHead(found, { ...as, traceparent: 'ours' });
    expect(traced).toContain('traceparent: ours');
    expect(traced).not.toContain('theirs');
  });

  test('any accepted request is read there as one request with the same headers', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,12}$/).map((text) => `x-${text}`);
    const value = fc.stringMatching(/^[\t -~]{0,40}$/);
    const lines = fc.uniqueArray(fc.tuple(name, value), { selector: ([key]) => key, maxLength: 8 });
    fc.assert(
      fc.property(lines, (headers) => {
        const text = headers.map(([key, content]) => `${key}: ${content}`);
        const found = plan('/endpoints/delays/invocations', text);
        const read = found && readRequestHead(forwardedHead(found, as));
        expect(read).toMatchObject({ method: 'POST', url: '/p/default/endpoints/delays/invocations' });
        for (const [key, content] of headers) expect(read?.headers[key]).toBe(content.trim());
        expect(Object.keys(read?.headers ?? {}).length).toBe(headers.length + 3);
      }),
    );
  });
});
