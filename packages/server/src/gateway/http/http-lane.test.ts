/**
 * The gateway and the main port read most predictions with a parser of their own. These tests compare it with Node's on requests
 * that are meant to be read in two ways.
 */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { differences, frame } from '../testing/framing.ts';
import { SECOND, smugglingCases } from '../testing/smuggling-corpus.ts';

const RUNS = (fc.readConfigureGlobal()?.numRuns ?? 100) * 5;

const fastPaths = ['fast path', 'main port'] as const;

describe.each(fastPaths)('known forms of request smuggling, %s', (reader) => {
  test.each(smugglingCases)('$name', async ({ bytes, targets, refused }) => {
    const stream = Buffer.from(bytes + SECOND, 'latin1');
    const lane = await frame([stream], reader);
    expect(differences(lane, await frame([stream], 'node'))).toEqual([]);
    expect([lane.requests.map(({ url }) => url), lane.closed]).toEqual([targets, refused]);
  });

  test('behind a plain request, and wherever the bytes are cut', async () => {
    const plain = 'POST /plain HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n\r\nab';
    for (const { name, bytes, targets, refused } of smugglingCases) {
      const stream = Buffer.from(plain + bytes + SECOND, 'latin1');
      for (const at of [
        plain.length - 1,
        plain.length,
        plain.length + 7,
        stream.length - SECOND.length,
        stream.length - 3,
      ]) {
        const cut = [stream.subarray(0, at), stream.subarray(at)];
        const lane = await frame(cut, reader);
        expect([name, at, differences(lane, await frame(cut, 'node'))]).toEqual([name, at, []]);
        expect([name, lane.requests.map(({ url }) => url), lane.closed]).toEqual([
          name,
          ['/plain', ...targets],
          refused,
        ]);
      }
    }
  });
});

/** Mostly the usual value, sometimes one of the unusual ones. */
function mostly<T>(usual: T, ...unusual: readonly T[]): fc.Arbitrary<T> {
  return fc.oneof({ weight: 12, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...unusual) });
}

const lineEnd = mostly('\r\n', '\n', '\r', '\r\r\n', '\n\r', ' \r\n', '\0\r\n', '\r\n\r\n');
const method = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('GET', 'POST') },
  {
    weight: 1,
    arbitrary: fc.constantFrom('HEAD', 'PUT', 'OPTIONS', 'CONNECT', 'get', 'POST ', ' GET', '', 'PRI', 'G\0T'),
  },
);
const target = mostly(
  '/a',
  '/',
  '//',
  '/a?b=c#d#e',
  '/"<>\\^`{|}~',
  '*',
  'http://localhost/a',
  'localhost:80',
  '',
  '/a b',
  '/\x7f',
  '/é',
  '/\0',
  '?a',
);
const version = mostly(
  ' HTTP/1.1',
  ' HTTP/1.0',
  ' HTTP/1.1 ',
  '  HTTP/1.1',
  '\tHTTP/1.1',
  '',
  ' HTTP/2.0',
  ' http/1.1',
  ' HTTP/1.01',
);
const hidden = 'GET /hidden HTTP/1.1\r\nhost: h\r\n\r\n';
const body = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('', 'abc', hidden, '\r\n', `${hidden}${hidden}`) },
  { weight: 1, arbitrary: fc.constant('x'.repeat(70_000)) },
);
const name = fc.constantFrom(
  'content-length',
  'Content-Length',
  'content-length ',
  'content\0-length',
  'content_length',
  'transfer-encoding',
  'Transfer-Encoding',
  'transfer-encoding\t',
  'connection',
  'proxy-connection',
  'keep-alive',
  'upgrade',
  'expect',
  'te',
  'trailer',
  'host',
  'cookie',
  'set-cookie',
  'content-type',
  'x-a',
  'X-A',
  '__proto__',
  'constructor',
  'x a',
  ' x-a',
  '',
  ':',
  '\tx',
);
const value = fc.constantFrom(
  '',
  '0',
  '3',
  '03',
  '+3',
  '0x3',
  '3, 3',
  '3;3',
  '999999999999999999999',
  'chunked',
  'Chunked',
  ' chunked\t',
  'chunked, chunked',
  'gzip, chunked',
  'chunked;q=1',
  '\x0bchunked',
  'identity',
  'close',
  'keep-alive',
  'Keep-Alive',
  'keep-alive, close',
  'upgrade',
  'websocket',
  'h2c',
  '100-continue',
  'localhost',
  'a\0b',
  'a\rb',
  'a\nb',
  'é',
  '\x7f',
  'trailers',
);
const separator = mostly(': ', ':', ' : ', ':\t', '', ';', ':\r\n ');
const oddHeaders = fc.array(
  fc.tuple(name, separator, value).map((parts) => parts.join('')),
  { maxLength: 2 },
);
const chunkSize = mostly('', ';a=b', ' ', ';a\rb', ';a\nb', '\0', 'g', ';');
const framed = fc
  .tuple(body, fc.constantFrom('length', 'length', 'length', 'chunked', 'none', 'wrong'), chunkSize, lineEnd)
  .map(([content, how, extension, end]): { readonly lines: readonly string[]; readonly bytes: string } => {
    if (how === 'none') return { lines: [], bytes: content };
    if (how === 'wrong') return { lines: [`content-length: ${Math.max(0, content.length - 1)}`], bytes: content };
    if (how === 'length') return { lines: [`content-length: ${content.length}`], bytes: content };
    const chunk = content === '' ? '' : `${content.length.toString(16)}${extension}\r\n${content}${end}`;
    return { lines: ['transfer-encoding: chunked'], bytes: `${chunk}0\r\n\r\n` };
  });
const plainRequest = fc
  .tuple(fc.constantFrom('GET', 'POST'), fc.constantFrom('/a', '/b?c=d'), fc.constantFrom('', 'abc', hidden))
  .map(
    ([verb, path, content]) =>
      `${verb} ${path} HTTP/1.1\r\nhost: h\r\ncontent-length: ${content.length}\r\n\r\n${content}`,
  );
const oddRequest = fc
  .record({
    method,
    target,
    version,
    host: mostly('host: h', 'Host:', 'x-b: 1'),
    oddHeaders,
    framed,
    end: lineEnd,
    last: lineEnd,
  })
  .map(
    ({ method: verb, target: path, version: protocol, host, oddHeaders: odd, framed: { lines, bytes }, end, last }) =>
      `${verb} ${path}${protocol}${end}${[host, ...lines, ...odd].map((line) => `${line}\r\n`).join('')}${last}${bytes}`,
  );
const mutation = fc.record({
  at: fc.nat(),
  removed: fc.nat({ max: 2 }),
  added: fc.constantFrom('', '\r', '\n', '\0', ' ', '\t', ':', ',', '0', 'x', '\x0b', '\xff', '\r\n'),
});
const stream = fc
  .record({
    requests: fc.array(fc.oneof({ weight: 2, arbitrary: plainRequest }, { weight: 3, arbitrary: oddRequest }), {
      minLength: 1,
      maxLength: 4,
    }),
    mutations: fc.array(mutation, { maxLength: 1 }),
  })
  .map(({ requests, mutations }) =>
    mutations.reduce(
      (text, { at, removed, added }) => {
        const position = at % (text.length + 1);
        return text.slice(0, position) + added + text.slice(position + removed);
      },
      requests.join('') + SECOND,
    ),
  );
const cuts = fc.array(fc.nat(), { maxLength: 3 });

test.each(fastPaths)('any bytes, cut anywhere, are the same requests to the %s and to Node', async (reader) => {
  await fc.assert(
    fc.asyncProperty(stream, cuts, async (text, positions) => {
      const bytes = Buffer.from(text, 'latin1');
      const ends = [...positions.map((at) => at % bytes.length), bytes.length].toSorted((a, b) => a - b);
      const chunks = ends.map((end, at) => bytes.subarray(ends[at - 1] ?? 0, end)).filter(({ length }) => length > 0);
      const [lane, node] = [await frame(chunks, reader), await frame(chunks, 'node')];
      expect(differences(lane, node, { whenClosed: 'nothing' })).toEqual([]);
    }),
    { numRuns: RUNS },
  );
});
