import { randomBytes } from 'node:crypto';
import { deflateSync, gzipSync } from 'node:zlib';
import type { Span, Trace } from '@dais/api/tracking';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startHttpFixture, type HttpFixture } from '#http/testing/http-fixture.ts';
import { lineageSlice } from '#ledgers/lineage/index.ts';
import { trackingLedger, trackingSlice } from '#ledgers/tracking/index.ts';
import { systemClock } from '#lib/clock.ts';
import { otlpAdapter, spanWords } from './index.ts';
import { field, fixed64, keyValue, requestBytes, spanBytes, text, varintField } from './testing/otlp-bytes.ts';

let http: HttpFixture;
let experimentId: string;
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const hex = (bytes: number) => randomBytes(bytes).toString('hex');

beforeAll(async () => {
  const ledger = trackingLedger({
    options: {
      artifactRoot: 'artifacts:',
      nameTag: 'name',
      contextTag: 'context',
      originTags: { parent: 'parent', commit: 'commit', repository: 'repository', entryPoint: 'program' },
      traces: spanWords,
    },
    clock: systemClock,
    random: randomBytes,
  });
  http = await startHttpFixture({
    slices: [lineageSlice, trackingSlice],
    entries: () => ledger.entries,
    doors: (calls) => [otlpAdapter({ calls, log: silent })],
  });
  experimentId = ((await native('POST', 'experiments', { name: 'traced' })) as { id: string }).id;
});
afterAll(async () => await http?.stop());

async function native(method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(`${http.url}/api/v1/tracking/${path}`, {
    method,
    ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  return await response.json();
}

const PROTOBUF = { 'content-type': 'application/x-protobuf' };
const JSON_TYPE = { 'content-type': 'application/json' };

async function send(body: Buffer | string, headers: Readonly<Record<string, string>>, path = '/v1/traces') {
  const response = await fetch(`${http.url}${path}`, {
    method: 'POST',
    headers: { 'x-mlflow-experiment-id': experimentId, ...headers },
    body: typeof body === 'string' ? body : new Uint8Array(body),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  return { status: response.status, type: response.headers.get('content-type'), bytes, text: bytes.toString('utf8') };
}

const spansOf = async (traceId: string) =>
  ((await native('GET', `traces/tr-${traceId}/spans`)) as { items: Span[] }).items;

const json = (span: object, resource: object = {}) =>
  JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans: [span] }] }] });
const small = (traceId: string, more: object = {}) => ({
  traceId,
  spanId: hex(8),
  name: 'step',
  startTimeUnixNano: '1790000000000000000',
  endTimeUnixNano: 1790000000001000000,
  ...more,
});

/** Every type of value, in both forms. */
const VALUES = [
  ['text', { stringValue: 'é "\\ 🎉' }, field(1, Buffer.from('é "\\ 🎉')), 'é "\\ 🎉'],
  ['true', { boolValue: true }, varintField(2, 1n), true],
  ['int', { intValue: '-5' }, varintField(3, 2n ** 64n - 5n), -5],
  ['large', { intValue: '9007199254740993' }, varintField(3, 9007199254740993n), { '@': ['int', '9007199254740993'] }],
  ['least', { intValue: String(-(2n ** 63n)) }, varintField(3, 2n ** 63n), { '@': ['int', '-9223372036854775808'] }],
  ['double', { doubleValue: 1.5 }, fixed64(4, doubleBytes(1.5)), 1.5],
  ['whole', { doubleValue: 2 }, fixed64(4, doubleBytes(2)), { '@': ['double', 2] }],
  ['NaN', { doubleValue: 'NaN' }, fixed64(4, doubleBytes(NaN)), { '@': ['double', 'NaN'] }],
  ['bytes', { bytesValue: 'aGk=' }, field(7, Buffer.from('hi')), { '@': ['bytes', 'aGk='] }],
  [
    'list',
    { arrayValue: { values: [{ intValue: 1 }, {}] } },
    field(5, Buffer.concat([field(1, varintField(3, 1n)), field(1, Buffer.alloc(0))])),
    [1, null],
  ],
  [
    'map',
    { kvlistValue: { values: [{ key: '@', value: { boolValue: false } }] } },
    field(6, field(1, keyValue('@', varintField(2, 0n)))),
    { '@': ['map', { '@': false }] },
  ],
] as const;

function doubleBytes(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
}

describe('a span with every type of value', () => {
  const attributes = Object.fromEntries(VALUES.map(([key, , , plain]) => [key, plain]));
  const expected = { name: 'step', kind: 3, status: 'ERROR', message: 'no', attributes };

  test('in protocol buffers', async () => {
    const traceId = hex(16);
    const attributeBytes = VALUES.map(([key, , bytes]) => field(9, keyValue(key, bytes)));
    const body = requestBytes(
      spanBytes({ traceId, spanId: hex(8), name: 'step' }, [
        varintField(6, 3n),
        ...attributeBytes,
        field(11, Buffer.concat([text(2, 'seen'), field(3, keyValue('n', varintField(3, 1n)))])),
        field(15, Buffer.concat([text(2, 'no'), varintField(3, 2n)])),
        // A field of a later version.
        text(99, 'new'),
      ]),
    );
    expect(await send(body, PROTOBUF)).toMatchObject({ status: 200, type: 'application/x-protobuf', text: '' });
    expect(await spansOf(traceId)).toEqual([
      expect.objectContaining({ ...expected, events: [{ name: 'seen', attributes: { n: 1 } }] }),
    ]);
  });

  test('in JSON', async () => {
    const traceId = hex(16);
    const pairs = VALUES.map(([key, value]) => ({ key, value }));
    const span = small(traceId.toUpperCase(), { kind: 3, attributes: pairs, status: { code: 2, message: 'no' } });
    expect(await send(json(span), JSON_TYPE)).toMatchObject({ status: 200, type: 'application/json', text: '{}' });
    expect(await spansOf(traceId)).toEqual([expect.objectContaining(expected)]);
  });
});

test.each([
  ['gzip', gzipSync],
  ['deflate', deflateSync],
] as const)('compressed by %s', async (encoding, compress) => {
  const traceId = hex(16);
  const body = compress(requestBytes(spanBytes({ traceId, spanId: hex(8), name: 'step' })));
  expect((await send(body, { ...PROTOBUF, 'content-encoding': encoding })).status).toBe(200);
  expect(await spansOf(traceId)).toHaveLength(1);
});

test('in another project', async () => {
  expect(
    (await send(json(small(hex(16))), { ...JSON_TYPE, 'x-mlflow-experiment-id': '0' }, '/p/none/v1/traces')).status,
  ).toBe(404);
});

test('a workspace of the clients is a project, and one name is enough', async () => {
  const sent = { ...JSON_TYPE, 'x-mlflow-experiment-id': '0' };
  const to = async (workspace: string, path?: string) =>
    await send(json(small(hex(16))), { ...sent, 'x-mlflow-workspace': workspace }, path);
  expect((await to('default')).status).toBe(200);
  expect((await to('none')).status).toBe(404);
  expect((await to('default', '/p/none/v1/traces')).status).toBe(400);
});

test('attributes of other conventions for tokens, types, inputs', async () => {
  const traceId = hex(16);
  const pair = (key: string, value: object) => ({ key, value });
  const span = small(traceId, {
    attributes: [
      pair('gen_ai.operation.name', { stringValue: 'chat' }),
      pair('gen_ai.usage.input_tokens', { intValue: 3 }),
      pair('gen_ai.usage.output_tokens', { intValue: '4' }),
      pair('input.value', { stringValue: '{"messages": [{"role": "user", "content": "hello"}]}' }),
      pair('session.id', { stringValue: 's' }),
    ],
  });
  const resource = {
    attributes: [pair('service.name', { stringValue: 'shop' }), pair('telemetry.sdk.name', { stringValue: 'x' })],
  };
  await send(json(span, resource), JSON_TYPE);
  const trace = (await native('GET', `traces/tr-${traceId}`)) as Trace;
  expect(trace).toMatchObject({
    usage: { input_tokens: 3, output_tokens: 4, total_tokens: 7 },
    requestPreview: 'hello',
    metadata: { 'mlflow.trace.session': 's' },
    tags: { 'mlflow.traceName': 'step', 'service.name': 'shop' },
  });
  const found = (await native('POST', 'search/traces', {
    experimentIds: [experimentId],
    filter: "span.type = 'CHAT_MODEL'",
  })) as { items: Trace[] };
  expect(found.items.map(({ id }) => id)).toEqual([trace.id]);
});

test('the experiment: by header, otherwise by the program, otherwise the default one', async () => {
  const where = async (headers: Readonly<Record<string, string>>, resource: object) => {
    const traceId = hex(16);
    expect((await send(json(small(traceId), resource), { ...JSON_TYPE, ...headers })).status).toBe(200);
    return ((await native('GET', `traces/tr-${traceId}`)) as Trace).experimentId;
  };
  const resource = { attributes: [{ key: 'mlflow.experimentId', value: { stringValue: experimentId } }] };
  expect(await where({ 'x-mlflow-experiment-id': '0' }, resource)).toBe('0');
  expect(await where({ 'x-mlflow-experiment-id': '' }, resource)).toBe(experimentId);
  expect(await where({ 'x-mlflow-experiment-id': '' }, {})).toBe('0');
});

describe('invalid spans', () => {
  test('are reported, and the others are stored', async () => {
    const traceId = hex(16);
    const spans = [small(traceId), small(traceId, { spanId: 'xyz' }), small('0'.repeat(32))];
    const body = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] });
    const answer = await send(body, JSON_TYPE);
    expect([answer.status, JSON.parse(answer.text)]).toEqual([
      200,
      { partialSuccess: { rejectedSpans: '2', errorMessage: expect.stringMatching(/span id/) } },
    ]);
    expect(await spansOf(traceId)).toHaveLength(1);
    const bytes = requestBytes(
      Buffer.concat([
        spanBytes({ traceId, spanId: hex(8), name: 'a' }),
        spanBytes({ traceId, spanId: '00', name: 'b' }),
      ]),
    );
    const partial = await send(bytes, PROTOBUF);
    expect([partial.status, partial.bytes.subarray(0, 1).toString('hex')]).toEqual([200, '0a']);
  });

  test('alone: rejected', async () => {
    const answer = await send(json(small('xyz')), JSON_TYPE);
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([422, { code: 3 }]);
    const other = await send(json(small('xyz')), { ...JSON_TYPE, 'x-mlflow-experiment-id': '' });
    expect([other.status, JSON.parse(other.text)]).toMatchObject([400, { code: 3 }]);
  });
});

test.each([
  ['no JSON', '{', JSON_TYPE, 400],
  ['a list', '[]', JSON_TYPE, 400],
  ['spans that are none', '{"resourceSpans": 5}', JSON_TYPE, 400],
  ['a name that is none', json(small(hex(16), { name: 5 })), JSON_TYPE, 400],
  ['a time that is none', json(small(hex(16), { startTimeUnixNano: 'x' })), JSON_TYPE, 400],
  ['no protobuf', Buffer.from('hello world'), PROTOBUF, 400],
  ['cut off', requestBytes(spanBytes({ traceId: hex(16), spanId: hex(8), name: 'x' })).subarray(0, 30), PROTOBUF, 400],
  ['of another type', '{}', { 'content-type': 'text/plain' }, 400],
  ['compressed otherwise', '{}', { ...JSON_TYPE, 'content-encoding': 'br' }, 415],
  ['not compressed', '{}', { ...JSON_TYPE, 'content-encoding': 'gzip' }, 400],
  ['to no experiment', json(small(hex(16))), { ...JSON_TYPE, 'x-mlflow-experiment-id': '999999' }, 404],
  ['to no number', json(small(hex(16))), { ...JSON_TYPE, 'x-mlflow-experiment-id': "1' or 1=1" }, 400],
  ['of a run that is none', json(small(hex(16))), { ...JSON_TYPE, 'x-mlflow-run-id': '../x' }, 400],
  ['too large', Buffer.alloc(70 << 20), PROTOBUF, 413],
  ['too large when unpacked', gzipSync(Buffer.alloc(100 << 20)), { ...PROTOBUF, 'content-encoding': 'gzip' }, 413],
])('rejects %s', async (_what, body, headers, status) => {
  expect((await send(body, headers)).status).toBe(status);
});

test('an empty request is no error, except for exporters of MLflow', async () => {
  const other = { 'x-mlflow-experiment-id': '' };
  expect((await send(Buffer.alloc(0), { ...PROTOBUF, ...other })).status).toBe(200);
  expect((await send('{}', { ...JSON_TYPE, ...other })).status).toBe(200);
  expect(await send('{}', JSON_TYPE)).toMatchObject({ status: 400, text: expect.stringContaining('no spans found') });
});

test('lists nested a thousand deep, and an excessive number of spans', async () => {
  let value: object = { stringValue: 'x' };
  let bytes: Buffer = field(1, Buffer.from('x'));
  for (let n = 0; n < 1000; n++) {
    value = { arrayValue: { values: [value] } };
    bytes = field(5, field(1, bytes));
  }
  const [traceId, other] = [hex(16), hex(16)];
  expect((await send(json(small(traceId, { attributes: [{ key: 'deep', value }] })), JSON_TYPE)).status).toBe(200);
  const body = requestBytes(
    spanBytes({ traceId: other, spanId: hex(8), name: 'x' }, [field(9, keyValue('deep', bytes))]),
  );
  expect((await send(body, PROTOBUF)).status).toBe(200);
  expect((await spansOf(traceId))[0]?.attributes).toEqual((await spansOf(other))[0]?.attributes);
  const many = Buffer.concat(Array.from({ length: 10_001 }, () => spanBytes({ traceId, spanId: hex(8), name: '' })));
  expect((await send(requestBytes(many), PROTOBUF)).status).toBe(413);
});

test('arbitrary bytes are an error of the sender, or stored', async () => {
  const valid = requestBytes(
    spanBytes(
      { traceId: hex(16), spanId: hex(8), name: 'x' },
      VALUES.map(([key, , bytes]) => field(9, keyValue(key, bytes))),
    ),
  );
  const mutation = fc.record({ at: fc.nat(valid.length - 1), byte: fc.nat(255) });
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
        fc.array(mutation, { minLength: 1, maxLength: 5 }).map((changes) => {
          const bytes = Buffer.from(valid);
          for (const { at, byte } of changes) bytes[at] = byte;
          return bytes;
        }),
        fc.json().map((value) => Buffer.from(value)),
      ),
      fc.constantFrom(PROTOBUF, JSON_TYPE),
      async (bytes, headers) => {
        const { status } = await send(bytes, headers);
        expect([200, 400, 422]).toContain(status);
      },
    ),
    { numRuns: 150 },
  );
});
