/** Metrics and logs over OTLP: stored in runs, and rejected with a reason. */
import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { LogMessage, MetricPoint, Run } from '@dais/api/tracking';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startHttpFixture, type HttpFixture } from '#http/testing/http-fixture.ts';
import { lineageSlice } from '#ledgers/lineage/index.ts';
import { trackingLedger, trackingSlice } from '#ledgers/tracking/index.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { otlpAdapter, spanWords } from './index.ts';
import { field, fixed64, keyValue, text, varintField } from './testing/otlp-bytes.ts';

let http: HttpFixture;
let run: string;

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
    doors: (calls) => [otlpAdapter({ calls, log: silentLog })],
  });
});
afterAll(async () => await http?.stop());
beforeEach(async () => {
  run = await newRun();
});

async function native<T>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(`${http.url}/api/v1/tracking/${path}`, {
    method,
    ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  return (await response.json()) as T;
}
const newRun = async () => (await native<Run>('POST', 'runs', { experimentId: '0', startedAt: 1 })).id;
const history = async (key: string, of = run) =>
  (await native<{ items: MetricPoint[] }>('GET', `runs/${of}/metrics/${encodeURIComponent(key)}`)).items;
const keysOf = async (of = run) =>
  (await native<Run>('GET', `runs/${of}`)).metrics
    .map(({ key, value }) => [key, value] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
const messages = async (query = '', of = run) =>
  (await native<{ items: LogMessage[] }>('GET', `runs/${of}/messages${query}`)).items;

const PROTOBUF = { 'content-type': 'application/x-protobuf' };
const JSON_TYPE = { 'content-type': 'application/json' };

async function send(path: string, body: Buffer | object, headers: Readonly<Record<string, string>> = {}) {
  const response = await fetch(`${http.url}${path}`, {
    method: 'POST',
    headers: { ...(Buffer.isBuffer(body) ? PROTOBUF : JSON_TYPE), ...headers },
    body: Buffer.isBuffer(body) ? new Uint8Array(body) : JSON.stringify(body),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  const { status, statusText: phrase } = response;
  return { status, phrase, type: response.headers.get('content-type'), bytes, text: bytes.toString('utf8') };
}

const NS = 1_790_000_000_000_000_000n;
const MS = 1_790_000_000_000;
const time = (plus = 0) => String(NS + BigInt(plus));
const resourceOf = (id: string | undefined) =>
  id === undefined ? {} : { attributes: [{ key: 'mlflow.runId', value: { stringValue: id } }] };
const metricsOf = (metrics: readonly object[], id: string | undefined = run) => ({
  resourceMetrics: [{ resource: resourceOf(id), scopeMetrics: [{ metrics }] }],
});
const gauge = (name: string, value: number, more: object = {}) => ({
  name,
  gauge: { dataPoints: [{ asDouble: value, timeUnixNano: time(), ...more }] },
});
const attribute = (key: string, value: object) => ({ key, value });

const eight = (write: (bytes: Buffer) => unknown) => {
  const bytes = Buffer.alloc(8);
  write(bytes);
  return bytes;
};
const uint = (id: number, value: bigint) =>
  fixed64(
    id,
    eight((bytes) => bytes.writeBigUInt64LE(value)),
  );
const double = (id: number, value: number) =>
  fixed64(
    id,
    eight((bytes) => bytes.writeDoubleLE(value)),
  );
const messageField = (id: number, ...parts: readonly Buffer[]) => field(id, Buffer.concat(parts));
const resourceBytes = (id: string) => messageField(1, field(1, keyValue('mlflow.runId', text(1, id))));

describe('metrics', () => {
  test('each type becomes metrics of the run: in JSON', async () => {
    const labels = [attribute('step', { intValue: '7' }), attribute('split', { stringValue: 'train' })];
    const distribution = { count: '4', sum: 10, min: 1, max: 4, timeUnixNano: time() };
    const answer = await send(
      '/v1/metrics',
      metricsOf([
        gauge('loss', 0.25, { attributes: labels }),
        gauge('loss', 0.125, { attributes: [attribute('step', { intValue: 8 }), labels[1]] }),
        { name: 'rows', sum: { aggregationTemporality: 2, dataPoints: [{ asInt: '12', timeUnixNano: time() }] } },
        { name: 'wait', histogram: { aggregationTemporality: 2, dataPoints: [distribution] } },
        { name: 'size', exponentialHistogram: { aggregationTemporality: 2, dataPoints: [{ count: 3, sum: 6 }] } },
        {
          name: 'time',
          summary: { dataPoints: [{ count: 2, sum: 3, quantileValues: [{ quantile: 0.999, value: 2 }] }] },
        },
      ]),
    );
    expect(answer).toMatchObject({ status: 200, text: '{}', type: 'application/json' });
    expect(await history('loss/split:train')).toEqual([
      { value: 0.25, timestamp: MS, step: 7 },
      { value: 0.125, timestamp: MS, step: 8 },
    ]);
    expect(await keysOf()).toEqual([
      ['loss/split:train', 0.125],
      ['rows', 12],
      ['size.count', 3],
      ['size.sum', 6],
      ['time.count', 2],
      ['time.p99.9', 2],
      ['time.sum', 3],
      ['wait.count', 4],
      ['wait.max', 4],
      ['wait.min', 1],
      ['wait.sum', 10],
    ]);
  });

  test('the same in protocol buffers, compressed', async () => {
    const cumulative = varintField(2, 2n);
    const at = uint(3, NS);
    const metric = (name: string, data: Buffer) => messageField(2, text(1, name), data);
    const label = field(7, keyValue('split', text(1, 'train')));
    const step = field(7, keyValue('step', varintField(3, 7n)));
    const body = messageField(
      1,
      resourceBytes(run),
      messageField(
        2,
        metric('loss', messageField(5, messageField(1, at, double(4, 0.25), label, step))),
        metric('rows', messageField(7, messageField(1, at, uint(6, 2n ** 64n - 12n)), cumulative)),
        metric('none', messageField(5, messageField(1, at, varintField(8, 1n)))),
        metric(
          'wait',
          messageField(
            9,
            messageField(1, at, uint(4, 4n), double(5, 10), field(6, Buffer.alloc(16)), double(11, 1), double(12, 4)),
            cumulative,
          ),
        ),
        metric('size', messageField(10, messageField(1, at, uint(4, 3n), double(5, 6), double(13, 5)), cumulative)),
        metric('time', messageField(11, messageField(1, at, messageField(6, double(1, 0.5), double(2, 2))))),
      ),
    );
    const answer = await send('/v1/metrics', gzipSync(body), { 'content-encoding': 'gzip' });
    expect(answer).toMatchObject({ status: 200, text: '', type: 'application/x-protobuf' });
    expect(await history('loss/split:train')).toEqual([{ value: 0.25, timestamp: MS, step: 7 }]);
    expect(await keysOf()).toEqual([
      ['loss/split:train', 0.25],
      ['rows', -12],
      ['size.count', 3],
      ['size.max', 5],
      ['size.sum', 6],
      ['time.count', 0],
      ['time.p50', 2],
      ['time.sum', 0],
      ['wait.count', 4],
      ['wait.max', 4],
      ['wait.min', 1],
      ['wait.sum', 10],
    ]);
  });

  test('the run of a header, of the program, or of a data point', async () => {
    const other = await newRun();
    await send('/v1/metrics', metricsOf([gauge('a', 1)]), { 'x-mlflow-run-id': other });
    await send(
      '/v1/metrics',
      metricsOf([gauge('b', 2, { attributes: [attribute('mlflow.run_id', { stringValue: other })] })], ''),
    );
    await send('/v1/metrics', metricsOf([gauge('c', 3)], other));
    expect(await keysOf(other)).toEqual([
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ]);
    expect(await keysOf()).toEqual([]);
  });

  test('a request with some metrics that cannot be stored reports them, and stores the others', async () => {
    const delta = { name: 'seen', sum: { aggregationTemporality: 1, dataPoints: [{ asInt: 1 }, { asInt: 2 }] } };
    const mixed = metricsOf([gauge('good', 1), delta]);
    const answer = await send('/v1/metrics', mixed);
    expect(answer).toMatchObject({ status: 200 });
    expect(JSON.parse(answer.text)).toEqual({
      partialSuccess: {
        rejectedDataPoints: '2',
        errorMessage: expect.stringMatching(/"seen" has delta temporality: set OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY/),
      },
    });
    const [resource] = metricsOf([gauge('of no run', 1)], '').resourceMetrics;
    const both = { resourceMetrics: [...metricsOf([gauge('better', 2)]).resourceMetrics, resource] };
    expect(JSON.parse((await send('/v1/metrics', both)).text)).toEqual({
      partialSuccess: {
        rejectedDataPoints: '1',
        errorMessage: expect.stringMatching(/name no run.*mlflow\.runId.*x-mlflow-run-id/),
      },
    });
    expect(await keysOf()).toEqual([
      ['better', 2],
      ['good', 1],
    ]);
  });

  test.each<[string, object, number, RegExp]>([
    ['without a run', metricsOf([gauge('a', 1)], ''), 400, /All metrics were rejected: these metrics name no run/],
    ['of an unknown run', metricsOf([gauge('a', 1)], 'nobody'), 404, /no run "nobody"/],
    ['of something that is no run id', metricsOf([gauge('a', 1)], '/x'), 400, /"\/x" is not the id of a run/],
    ['without a name', metricsOf([gauge('', 1)]), 400, /has no name/],
    ['with a name that is too long', metricsOf([gauge('x'.repeat(251), 1)]), 400, /more than 250 characters/],
    ['in another form', { resourceMetrics: {} }, 400, /ExportMetricsServiceRequest: resourceMetrics is not a list/],
    ['with a text as value', metricsOf([gauge('a', 'x' as never)]), 400, /asDouble is not a number/],
  ])('metrics %s are refused', async (_what, body, status, message) => {
    const answer = await send('/v1/metrics', body);
    expect(answer).toMatchObject({ status });
    expect(JSON.parse(answer.text)).toEqual({ code: expect.any(Number), message: expect.stringMatching(message) });
    expect(answer.phrase).toMatch(message);
  });

  test('more than 10,000 data points are refused; 2,500 are stored in several calls', async () => {
    const points = (count: number) =>
      Array.from({ length: count }, (_, step) => ({
        asDouble: step,
        timeUnixNano: time(),
        attributes: [attribute('step', { intValue: step })],
      }));
    const many = (count: number) => metricsOf([{ name: 'many', gauge: { dataPoints: points(count) } }]);
    expect(await send('/v1/metrics', many(10_001))).toMatchObject({ status: 413 });
    expect(await send('/v1/metrics', many(2500))).toMatchObject({ status: 200, text: '{}' });
    expect(await history('many')).toHaveLength(2500);
    // As an exporter does after a lost response.
    await send('/v1/metrics', many(2500));
    expect(await history('many')).toHaveLength(2500);
  });

  test('special values, and characters that names of metrics do not have', async () => {
    const odd = [attribute('route', { stringValue: '/a?b' }), attribute('code', { intValue: '200' })];
    const labeled = { ...gauge('x', 1, { attributes: odd }) };
    await send('/v1/metrics', metricsOf([labeled, gauge('nan', 'NaN' as never), gauge('up', 'Infinity' as never)]));
    expect(await keysOf()).toEqual([
      ['nan', 'NaN'],
      ['up', Number.MAX_VALUE],
      ['x/code:200/route:/a_b', 1],
    ]);
  });
});

const logsOf = (records: readonly object[], id: string | undefined = run) => ({
  resourceLogs: [{ resource: resourceOf(id), scopeLogs: [{ scope: { name: 'train' }, logRecords: records }] }],
});

describe('logs', () => {
  const ids = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) };
  const expected = [
    {
      time: time(1),
      severity: 9,
      severityText: 'INFO',
      body: 'epoch 1',
      attributes: { epoch: 1, ratio: 2, 'event.name': 'epoch' },
      logger: 'train',
      ...ids,
    },
    { time: time(2), severity: 17, body: '{"a":[1]}', logger: 'train' },
  ];

  test('become messages of the run: in JSON', async () => {
    const map = { kvlistValue: { values: [attribute('a', { arrayValue: { values: [{ intValue: 1 }] } })] } };
    const body = logsOf([
      { observedTimeUnixNano: time(2), severityNumber: 'SEVERITY_NUMBER_ERROR', body: map, traceId: '0'.repeat(32) },
      {
        timeUnixNano: time(1),
        severityNumber: 9,
        severityText: 'INFO',
        body: { stringValue: 'epoch 1' },
        attributes: [attribute('epoch', { intValue: '1' }), attribute('ratio', { doubleValue: 2 })],
        eventName: 'epoch',
        ...ids,
      },
    ]);
    expect(await send('/v1/logs', body)).toMatchObject({ status: 200, text: '{}' });
    expect(await messages()).toEqual(expected);
    // Repeated after a lost response.
    await send('/v1/logs', body);
    expect(await messages()).toHaveLength(2);
  });

  test('the same in protocol buffers', async () => {
    const map = field(6, field(1, keyValue('a', field(5, field(1, varintField(3, 1n))))));
    const record = (...parts: readonly Buffer[]) => messageField(2, ...parts);
    const first = record(
      uint(1, NS + 1n),
      varintField(2, 9n),
      text(3, 'INFO'),
      field(5, text(1, 'epoch 1')),
      field(6, keyValue('epoch', varintField(3, 1n))),
      field(6, keyValue('ratio', double(4, 2))),
      field(9, Buffer.from(ids.traceId, 'hex')),
      field(10, Buffer.from(ids.spanId, 'hex')),
      text(12, 'epoch'),
    );
    const second = record(uint(11, NS + 2n), varintField(2, 17n), field(5, map), field(9, Buffer.alloc(16)));
    // The scope comes after its records.
    const body = messageField(1, resourceBytes(run), messageField(2, first, second, field(1, text(1, 'train'))));
    expect(await send('/v1/logs', body)).toMatchObject({ status: 200, text: '' });
    expect(await messages()).toEqual(expected);
  });

  test('are filtered by severity and text, and read in pages in both orders', async () => {
    const record = (at: number, severityNumber: number, body: string) => ({
      timeUnixNano: time(at),
      severityNumber,
      body: { stringValue: body },
    });
    await send('/v1/logs', logsOf([record(3, 9, 'Third'), record(1, 5, 'first'), record(2, 17, 'second')]));
    const bodies = async (query: string) => (await messages(query)).map(({ body }) => body);
    expect(await bodies('')).toEqual(['first', 'second', 'Third']);
    expect(await bodies('?order=desc')).toEqual(['Third', 'second', 'first']);
    expect(await bodies('?severity=INFO')).toEqual(['second', 'Third']);
    expect(await bodies('?severity=FATAL')).toEqual([]);
    expect(await bodies('?contains=THIR')).toEqual(['Third']);
    expect(await bodies('?contains=%25')).toEqual([]);
    for (const order of ['asc', 'desc']) {
      const all: string[] = [];
      let cursor: string | undefined;
      do {
        const from: string = cursor === undefined ? '' : `&cursor=${cursor}`;
        const page = await native<{ items: LogMessage[]; nextCursor?: string }>(
          'GET',
          `runs/${run}/messages?limit=1&order=${order}${from}`,
        );
        all.push(...page.items.map(({ body }) => body));
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      expect(all).toEqual(await bodies(`?order=${order}`));
    }
    const forged = Buffer.from(JSON.stringify(['x', '1 2'])).toString('base64url');
    expect(await native('GET', `runs/${run}/messages?cursor=${forged}`)).toMatchObject({ code: 'invalid_cursor' });
  });

  test('without a time get the time of their arrival; bodies are cut off', async () => {
    await send('/v1/logs', logsOf([{ body: { stringValue: 'x'.repeat(40_000) } }]));
    const [stored] = await messages();
    expect(stored?.body).toHaveLength(32_768);
    expect(Math.abs(Number(BigInt(stored?.time ?? 0) / 1_000_000n) - Date.now())).toBeLessThan(60_000);
  });

  test.each<[string, object, number, RegExp]>([
    ['without a run', logsOf([{ body: { stringValue: 'x' } }], ''), 400, /log records name no run/],
    ['of an unknown run', logsOf([{ body: { stringValue: 'x' } }], 'nobody'), 404, /no run "nobody"/],
    ['of a far future', logsOf([{ timeUnixNano: String(2n ** 64n - 1n) }]), 400, /after the year 2262/],
    ['in another form', { resourceLogs: [1] }, 400, /ExportLogsServiceRequest: an item of resourceLogs/],
    [
      'of a large size',
      logsOf([{ attributes: [attribute('a', { stringValue: 'x'.repeat(70_000) })] }]),
      400,
      /attributes/,
    ],
  ])('logs %s are refused', async (_what, body, status, message) => {
    const answer = await send('/v1/logs', body);
    expect(answer).toMatchObject({ status });
    expect(JSON.parse(answer.text)).toMatchObject({ message: expect.stringMatching(message) });
  });

  test('the native API accepts the same, and rejects what it cannot store', async () => {
    const path = `runs/${run}/messages`;
    const message = { time: '5', body: 'by hand' };
    expect(await native('POST', path, { messages: [message, message] })).toEqual({ added: 1 });
    expect(await messages()).toEqual([{ ...message, severity: 0 }]);
    expect(await native('POST', path, { messages: [{ ...message, time: '9'.repeat(19) }] })).toMatchObject({
      code: 'invalid_request',
    });
    expect(await native('POST', path, { messages: [{ time: '6', body: 'a\0b' }] })).toMatchObject({ status: 400 });
    expect(await native('POST', 'runs/nobody/messages', { messages: [] })).toMatchObject({ code: 'not_found' });
    expect(await native('GET', 'runs/nobody/messages')).toMatchObject({ code: 'not_found' });
  });
});

test('bodies that are cut at any byte are refused, never an internal error', async () => {
  const body = messageField(
    1,
    resourceBytes(run),
    messageField(2, messageField(2, text(1, 'loss'), messageField(5, messageField(1, uint(3, NS), double(4, 1))))),
  );
  for (const path of ['/v1/metrics', '/v1/logs']) {
    for (let length = 1; length < body.length; length++) {
      expect((await send(path, body.subarray(0, length))).status, `${path} ${length}`).toBeLessThan(500);
    }
  }
});
