/**
 * The unmodified OpenTelemetry SDK and exporter in their own Python environment, with a Dais that requires credentials.
 */
import { join } from 'node:path';
import type { LogMessage, MetricPoint, Run, Span, Trace } from '@dais/api/tracking';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startClientPython, type ClientPython } from '#testing/client-python.ts';

/** In ms; the first run also builds the environment. */
const PATIENCE = 300_000;

let peer: ClientPython;
beforeAll(async () => {
  peer = await startClientPython('otlp');
});
afterAll(async () => {
  await peer.stop();
});

const client = async (bearer: string, variables: Readonly<Record<string, string>>) =>
  await script('export.py', bearer, variables);

async function script(name: string, bearer: string, variables: Readonly<Record<string, string>>) {
  return await peer.run({ name: 'otlp', requirements: 'requirements.txt' }, [join(peer.folder, name)], {
    variables: {
      OTEL_EXPORTER_OTLP_ENDPOINT: peer.dais.url,
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer ${bearer}`,
      OTEL_RESOURCE_ATTRIBUTES: 'service.name=shop,deployment.environment.name=test',
      ...variables,
    },
    timeoutMs: PATIENCE,
  });
}

async function read<T>(path: string): Promise<T> {
  const answer = await fetch(`${peer.dais.url}/api/v1/tracking/${path}`, {
    headers: { authorization: `Bearer ${peer.token}` },
  });
  if (!answer.ok) throw new Error(await answer.text());
  return (await answer.json()) as T;
}

test.each<readonly [string, Readonly<Record<string, string>>]>([
  ['plain', {}],
  ['compressed', { OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' }],
])('a trace of 1,501 spans in several exports, %s', { timeout: PATIENCE + 60_000 }, async (_how, variables) => {
  const { stdout, stderr } = await client(peer.token, variables);
  const reported = JSON.parse(stdout.trim() || '{}') as { trace?: string; steps?: number };
  expect([stderr, reported]).toMatchObject(['', { steps: 1500, sent: true }]);
  const trace = await read<Trace>(`traces/tr-${reported.trace}`);
  expect(trace).toMatchObject({
    experimentId: '0',
    state: 'OK',
    spans: 1501,
    requestPreview: '"hello"',
    tags: { 'mlflow.traceName': 'request', 'service.name': 'shop', 'deployment.environment.name': 'test' },
  });
  const { items } = await read<{ items: Span[] }>(`traces/tr-${reported.trace}/spans?limit=10000`);
  const root = items.find(({ name }) => name === 'request');
  expect(root).toMatchObject({ attributes: { 'input.value': 'hello', n: 3, ratio: { '@': ['double', 1] } } });
  expect(items.find(({ name }) => name === 'step 7')).toMatchObject({
    parentId: root?.id,
    status: 'ERROR',
    message: 'seven',
    attributes: { list: ['a', 'b'] },
    events: [{ name: 'seen', attributes: { n: 7 } }],
    links: [{ traceId: reported.trace, spanId: root?.id, attributes: { why: 'because' } }],
  });
});

test.each<readonly [string, Readonly<Record<string, string>>]>([
  ['plain', {}],
  ['compressed', { OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' }],
])('metrics and logs of a run, %s', { timeout: PATIENCE + 60_000 }, async (_how, variables) => {
  const created = await fetch(`${peer.dais.url}/api/v1/tracking/runs`, {
    method: 'POST',
    headers: { authorization: `Bearer ${peer.token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ experimentId: '0', startedAt: Date.now() }),
  });
  const { id } = (await created.json()) as Run;
  const { code, stderr } = await script('export_run.py', peer.token, { RUN_ID: id, ...variables });
  expect([code, stderr]).toEqual([0, '']);
  const { items } = await read<{ items: MetricPoint[] }>(
    `runs/${id}/metrics/${encodeURIComponent('loss/split:train')}`,
  );
  expect(items.map(({ step, value }) => [step, value])).toEqual([[3, 0.25]]);
  const { metrics } = await read<Run>(`runs/${id}`);
  expect(Object.fromEntries(metrics.map(({ key, value }) => [key, value]))).toEqual({
    'loss/split:train': 0.25,
    rows: 30,
    queue: -2,
    temperature: 21.5,
    'batch.seconds.count': 3,
    'batch.seconds.sum': 6,
    'batch.seconds.min': 1,
    'batch.seconds.max': 3,
    'size.count': 2,
    'size.sum': 5,
    'size.min': 1,
    'size.max': 4,
  });
  const { items: messages } = await read<{ items: LogMessage[] }>(`runs/${id}/messages`);
  expect(messages.map(({ body, severity, severityText, logger }) => [body, severity, severityText, logger])).toEqual(
    [
      ['epoch 1 has ended', 9, 'INFO', 'training'],
      ['it does not converge', 17, 'ERROR', 'training'],
      ...Array.from({ length: 1500 }, (_, n) => [`line ${n}`, 9, 'INFO', 'training']),
    ].slice(0, 100),
  );
  expect(messages[1]).toMatchObject({
    attributes: { epoch: 1, 'exception.type': 'ValueError', 'exception.message': 'NaN' },
    traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
  });
  const { items: last } = await read<{ items: LogMessage[] }>(`runs/${id}/messages?order=desc&limit=1`);
  expect(last).toMatchObject([{ body: 'line 1499' }]);
});

test('metrics and logs without a run: the exporter reports why they are refused', { timeout: PATIENCE }, async () => {
  const { stderr } = await script('export_run.py', peer.token, {});
  expect(stderr).toMatch(/metrics.*400.*name no run/s);
  expect(stderr).toMatch(/logs.*400.*log records name no run/s);
});

test('an invalid token is reported, without minutes of retries', { timeout: PATIENCE }, async () => {
  const { stderr } = await client('dais_pat_wrong', {});
  expect(stderr).toMatch(/401|Unauthorized|credential/i);
});
