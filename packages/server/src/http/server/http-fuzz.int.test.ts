import { errorCatalog } from '@dais/api';
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startHttpFixture, type HttpFixture } from '#http/testing/http-fixture.ts';
import { note } from '#http/testing/note-kind.ts';
import { project } from '#kinds/project/index.ts';

let fixture: HttpFixture;
beforeAll(async () => {
  fixture = await startHttpFixture({ kinds: [project, note] });
});
afterAll(async () => await fixture.stop());

const RUNS = fc.readConfigureGlobal()?.numRuns ?? 300;

const text = fc.oneof(
  fc.constantFrom(
    '',
    'a',
    'none',
    '..',
    '%',
    '%2F',
    '%ff',
    '\0',
    'default',
    'x'.repeat(300),
    '😀',
    "'",
    '"',
    '-1',
    '1e9',
  ),
  fc.string({ unit: 'grapheme', maxLength: 20 }),
);
const encoded = fc.oneof(
  text.map((value) => encodeURIComponent(value.toWellFormed())),
  text.map(printable),
);
const path = fc.oneof(
  fc
    .record({ at: fc.nat(), names: fc.array(encoded, { minLength: 2, maxLength: 2 }), prefix: fc.option(encoded) })
    .map(({ at, names, prefix }) => {
      const { operations } = fixture.kernel.dispatcher;
      const route = operations[at % operations.length]?.http.path ?? '/';
      const filled = route.replaceAll(/:\w+/g, () => names[0] ?? '');
      return prefix === null ? filled : `/p/${prefix}${filled}`;
    }),
  encoded.map((value) => `/${value}`),
);
const query = fc
  .array(
    fc.tuple(
      fc.oneof(
        fc.constantFrom('limit', 'cursor', 'labels', 'origin', 'owner', 'prune', 'kind', 'resourceVersion'),
        encoded,
      ),
      encoded,
    ),
    {
      maxLength: 3,
    },
  )
  .map((pairs) => (pairs.length === 0 ? '' : `?${pairs.map((pair) => pair.join('=')).join('&')}`));
const manifest = fc.record(
  {
    apiVersion: fc.oneof(fc.constant('dais.dev/v1'), text),
    kind: fc.oneof(fc.constantFrom('Note', 'Project'), text),
    metadata: fc.oneof(
      fc.record({ name: text, labels: fc.dictionary(text, text, { maxKeys: 2 }) }, { requiredKeys: [] }),
      fc.jsonValue(),
    ),
    spec: fc.oneof(
      fc.record({ text, size: fc.oneof(fc.integer(), fc.double()) }, { requiredKeys: [] }),
      fc.jsonValue(),
    ),
  },
  { requiredKeys: [] },
);
const value = fc.oneof(
  manifest,
  fc.record({ sources: fc.array(fc.record({ file: text, text })), owner: text }, { requiredKeys: [] }),
  fc.jsonValue(),
);
const body = fc.option(
  fc.oneof(
    value.map((one) => JSON.stringify(one)),
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      '{',
      '[[[[',
      'a: &a [*a]',
      '- 1\n--- \n- 2',
      '\u0000',
      '{"__proto__": {"x": 1}}',
      '1e400',
      '"\\ud800"',
    ),
  ),
);
const header = text.map(printable);
const headers = fc.record(
  {
    'content-type': fc.oneof(
      fc.constantFrom('application/json', 'application/yaml', 'text/plain', 'application/json; charset=x'),
      header,
    ),
    accept: fc.oneof(fc.constantFrom('*/*', 'application/json', 'text/event-stream;q=0'), header),
    'if-match': fc.oneof(fc.constantFrom('*', '"1"', 'W/"1"'), header),
    'if-none-match': header,
    'idempotency-key': header,
    'x-request-id': header,
    'last-event-id': header,
    'content-encoding': header,
    authorization: header,
    origin: header,
    traceparent: header,
    'accept-encoding': fc.oneof(fc.constantFrom('gzip', 'br', 'identity;q=0'), header),
  },
  { requiredKeys: [] },
);
const method = fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND');

/** Characters that a request line or a header may contain; the parser rejects others, and has tests of its own. */
function printable(value: string): string {
  return value.replaceAll(/[^\u0021-\u007e]/g, '').replaceAll(/[#?]/g, '');
}

test(
  'no request returns a 5xx, and every error is a problem of the catalog',
  { timeout: 60_000 + 200 * RUNS },
  async () => {
    await fc.assert(
      fc.asyncProperty(method, path, query, headers, body, async (method, path, query, headers, body) => {
        const bytes = body === null ? Buffer.alloc(0) : Buffer.from(body);
        const lines = Object.entries({
          host: 'localhost',
          connection: 'close',
          ...headers,
          'content-length': bytes.length,
        });
        const head = `${method} ${path}${query} HTTP/1.1\r\n${lines.map(([name, one]) => `${name}: ${one}\r\n`).join('')}\r\n`;
        const answer = await fixture.raw(Buffer.concat([Buffer.from(head, 'latin1'), bytes]));
        const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);
        expect(status).toBeGreaterThanOrEqual(200);
        expect(status).toBeLessThan(500);
        if (status < 400 || method === 'HEAD' || /content-encoding:/i.test(answer)) return;
        const problem = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))) as {
          code: keyof typeof errorCatalog;
          status: number;
        };
        expect([errorCatalog[problem.code].status, problem.status]).toEqual([status, status]);
      }),
      { numRuns: RUNS },
    );
    expect(fixture.logged.filter(({ level }) => level === 'error')).toEqual([]);
  },
);
