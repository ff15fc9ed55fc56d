/**
 * The unmodified OpenTelemetry SDK and exporter in their own Python environment, with a Dais that requires credentials.
 */
import { join } from 'node:path';
import type { Span, Trace } from '@dais/api/tracking';
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

async function client(bearer: string, variables: Readonly<Record<string, string>>) {
  return await peer.run({ name: 'otlp', requirements: 'requirements.txt' }, [join(peer.folder, 'export.py')], {
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
    requestPreview: 'hello',
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

test('an invalid token is reported, without minutes of retries', { timeout: PATIENCE }, async () => {
  const { stderr } = await client('dais_pat_wrong', {});
  expect(stderr).toMatch(/401|Unauthorized|credential/i);
});
