import { expect, test } from 'vitest';
import { ManualClock } from '#lib/manual-clock.testing.ts';
import { silentLog, type LogFields } from '#lib/log.ts';
import { OtlpTracer } from '#lib/telemetry/otlp-tracer.ts';
import { childOf, traceparentOf } from '#lib/telemetry/tracer.ts';

function tracer(status = 200, random = 0) {
  const clock = new ManualClock();
  const posts: { url: string; headers: Readonly<Record<string, string>>; body: string }[] = [];
  const warnings: (LogFields | undefined)[] = [];
  const made = new OtlpTracer({
    endpoint: 'http://collector:4318/',
    headers: { 'x-key': 'k' },
    sampleRatio: 0.5,
    version: '1',
    role: 'all',
    clock,
    log: { ...silentLog, warn: (_message, fields) => void warnings.push(fields) },
    post: async (url, headers, body) => {
      posts.push({ url, headers, body });
      return status;
    },
    random: () => random,
  });
  return { tracer: made, clock, posts, warnings };
}

const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
const span = (context: ReturnType<OtlpTracer['context']>) => ({
  context,
  name: 'note.get',
  startMs: 1000.5,
  durationMs: 2.25,
  failed: true,
  attributes: { 'url.path': '/x', 'http.response.status_code': 500 },
});

test('a span continues the trace of its caller and leaves within two seconds', async () => {
  const { tracer: one, clock, posts } = tracer();
  one.record(span(one.context(parent)));
  expect(posts).toEqual([]);
  clock.advance(2000);
  await one.flush();
  expect(posts.map(({ url, headers }) => [url, headers['x-key'], headers['content-type']])).toEqual([
    ['http://collector:4318/v1/traces', 'k', 'application/json'],
  ]);
  const { resourceSpans } = JSON.parse(posts[0]!.body) as { resourceSpans: [{ scopeSpans: [{ spans: unknown[] }] }] };
  expect(resourceSpans[0].scopeSpans[0].spans).toEqual([
    {
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: expect.stringMatching(/^[0-9a-f]{16}$/),
      parentSpanId: 'b7ad6b7169203331',
      name: 'note.get',
      kind: 2,
      startTimeUnixNano: '1000500000',
      endTimeUnixNano: '1002750000',
      attributes: [
        { key: 'url.path', value: { stringValue: '/x' } },
        { key: 'http.response.status_code', value: { intValue: '500' } },
      ],
      status: { code: 2 },
    },
  ]);
});

test('the caller decides about sampling; without a caller a share is sampled', () => {
  const { tracer: low } = tracer(200, 0.4);
  const { tracer: high } = tracer(200, 0.6);
  expect(low.context(undefined).sampled).toBe(true);
  expect(high.context(undefined).sampled).toBe(false);
  expect(high.context(parent).sampled).toBe(true);
  expect(low.context(parent.replace(/01$/, '00')).sampled).toBe(false);
});

test.each(['', 'x', parent.replace('0af7651916cd43dd8448eb211c80319c', '0'.repeat(32)), parent.toUpperCase()])(
  'the traceparent %j starts a new trace',
  (header) => {
    const { tracer: one } = tracer();
    expect(one.context(header)).toMatchObject({
      parentId: undefined,
      traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
  },
);

test('traces that cannot be sent are dropped and counted, and no call waits without end', async () => {
  const { tracer: one, posts, warnings } = tracer(503);
  for (let n = 0; n < 511; n++) one.record(span(one.context(parent)));
  await one.flush();
  expect([posts.length, warnings[0]?.['dropped']]).toEqual([1, 511]);
});

test('work with an id is the same span of the same trace for every caller, sampled or not', () => {
  const run = '019a0000-0000-7000-8000-00000000000a';
  const [one, other] = [tracer().tracer, tracer(200, 0.9).tracer];
  const context = one.contextOf(run, 'attempt');
  expect(context).toEqual(other.contextOf(run, 'attempt'));
  expect(context).toMatchObject({ traceId: run.replaceAll('-', ''), parentId: undefined });
  expect(context.spanId).toMatch(/^[0-9a-f]{16}$/);
  expect(one.contextOf(run, 'another').spanId).not.toBe(context.spanId);
  const kept = Array.from({ length: 1000 }, (_, n) => one.contextOf(`run ${n}`, 'a').sampled).filter(Boolean).length;
  // Half of a thousand by chance; beyond these ends once in many millions.
  expect(kept).toBeGreaterThan(400);
  expect(kept).toBeLessThan(600);
  const child = one.context(traceparentOf({ ...context, sampled: true }));
  expect(child).toMatchObject({ traceId: context.traceId, parentId: context.spanId, sampled: true });
  expect(childOf(child)).toMatchObject({ traceId: context.traceId, parentId: child.spanId, sampled: true });
});
