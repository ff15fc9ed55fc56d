/** What Dais reports about itself: log lines, metrics of the gateway, traces. */
import { LATENCY_BUCKETS_MS, LATENCY_GRID } from '@dais/api/gateway';
import { Counter, Histogram, Registry } from 'prom-client';
import { gatewayMetrics } from '../../packages/server/src/gateway/metrics/gateway-metric-definitions.ts';
import { GatewayMetrics } from '../../packages/server/src/gateway/metrics/gateway-metrics.ts';
import type { VariantStats } from '../../packages/server/src/gateway/metrics/gateway-stats.ts';
import { VariantCounters } from '../../packages/server/src/gateway/routing/variant-counts.ts';
import { systemClock } from '../../packages/server/src/lib/clock.ts';
import { createLineLog } from '../../packages/server/src/lib/telemetry/line-log.ts';
import { silentLog } from '../../packages/server/src/lib/log.ts';
import { OtlpTracer } from '../../packages/server/src/lib/telemetry/otlp-tracer.ts';
import type { Candidates } from './candidates.ts';
import { compare } from './compare.ts';

const VARIANTS = 200;
const SPANS = 200;

export async function compareOperations(candidates: Candidates): Promise<void> {
  await compareLogs(candidates);
  await compareMetrics();
  await compareTraces(candidates);
}

interface Pino {
  readonly default: (
    options: unknown,
    destination: { write(line: string): void },
  ) => { info(fields: unknown, message: string): void };
}

async function compareLogs(candidates: Candidates): Promise<void> {
  console.log(` ${candidates.facts('pino')}`);
  console.log(` ${candidates.facts('@elastic/ecs-pino-format')}`);
  const pino = await candidates.load<Pino>('pino');
  const ecs = await candidates.load<{
    default: ((options?: unknown) => unknown) & { ecsFormat?: (options?: unknown) => unknown };
  }>('@elastic/ecs-pino-format');
  let bytes = 0;
  const write = (line: string) => void (bytes += line.length);
  const own = createLineLog({
    level: 'info',
    format: 'json',
    write,
    now: Date.now,
    version: '0.1.0',
    role: 'control',
    pid: process.pid,
  });
  const fields = {
    requestId: '0198f0a2-7a3c-7000-8000-000000000000',
    method: 'POST',
    path: '/api/v1/runs',
    status: 200,
    durationMs: 3.2,
  };
  const other =
    pino && ecs && pino.default((ecs.default.ecsFormat ?? ecs.default)({ apmIntegration: false }), { write });
  await compare(
    'a log line of a request, as ECS JSON',
    () => own.info('request', fields),
    other &&
      (() =>
        other.info(
          {
            http: {
              request: { id: fields.requestId, method: fields.method },
              response: { status_code: fields.status },
            },
            url: { path: fields.path },
            event: { duration: Math.round(fields.durationMs * 1e6), dataset: 'dais.control' },
          },
          'request',
        )),
    'pino with ecs-pino-format',
  );
}

async function compareMetrics(): Promise<void> {
  const counters = new VariantCounters();
  const labels = { project: 'default', endpoint: 'nyc-late', variant: 'stable', version: '3', shadow: 'false' };
  const registry = new Registry();
  const labelNames = Object.keys(labels);
  const histogram = new Histogram({
    name: gatewayMetrics.latency.name,
    help: gatewayMetrics.latency.help,
    labelNames,
    buckets: LATENCY_BUCKETS_MS.map((ms) => ms / 1000),
    registers: [registry],
  });
  const requests = new Counter({
    name: gatewayMetrics.requests.name,
    help: 'Requests.',
    labelNames,
    registers: [registry],
  });
  await compare(
    'counting one prediction',
    () => counters.answered(0, 3200, 200),
    () => {
      requests.inc(labels);
      histogram.observe(labels, 0.0032);
    },
    'prom-client, counter and histogram',
  );
  const variants = Array.from({ length: VARIANTS }, (_, n): VariantStats => ({
    ...labels,
    endpoint: `endpoint-${n}`,
    shadow: false,
    model: 'm',
    running: 0,
    requests: 1000,
    failures: 0,
    refused: 0,
    modelErrors: 0,
    shed: 0,
    rows: 1000,
    shadowDropped: 0,
    latencies: [...LATENCY_BUCKETS_MS.map(() => 10), 1],
    latencyGrid: Array.from({ length: LATENCY_GRID.buckets }, () => 4),
    latencySeconds: 3,
    lastAt: 0,
  }));
  for (const { endpoint } of variants) histogram.observe({ ...labels, endpoint }, 0.003);
  const exposed = new GatewayMetrics();
  await compare(
    `the latency histograms of ${VARIANTS} variants as text (ours: with six counters each and the process's metrics)`,
    async () => await exposed.expose({ revision: 1, draining: false, variants, models: [], capture: undefined }),
    async () => await registry.metrics(),
    'prom-client, histograms alone',
  );
}

interface SpanLike {
  setAttribute(key: string, value: string | number): void;
  end(): void;
}

interface SdkTrace {
  readonly BasicTracerProvider: new (options: unknown) => {
    getTracer(name: string): { startSpan(name: string): SpanLike };
  };
}

async function compareTraces(candidates: Candidates): Promise<void> {
  console.log(` ${candidates.facts('@opentelemetry/sdk-trace-base')}`);
  console.log(` ${candidates.facts('@opentelemetry/exporter-trace-otlp-http')}`);
  const sdk = await candidates.load<SdkTrace>('@opentelemetry/sdk-trace-base');
  const transformer = await candidates.load<{
    JsonTraceSerializer: { serializeRequest(spans: readonly unknown[]): Uint8Array };
  }>('@opentelemetry/otlp-transformer');
  let bytes = 0;
  const own = new OtlpTracer({
    endpoint: 'http://127.0.0.1:4318',
    headers: {},
    sampleRatio: 1,
    version: '0.1.0',
    role: 'control',
    clock: systemClock,
    log: silentLog,
    post: async (_url, _headers, body) => {
      bytes += body.length;
      return 200;
    },
    random: Math.random,
  });
  let ended: unknown[] = [];
  const processor = {
    onStart: () => {},
    onEnd: (span: unknown) => void ended.push(span),
    forceFlush: async () => {},
    shutdown: async () => {},
  };
  const tracer = sdk && new sdk.BasicTracerProvider({ spanProcessors: [processor] }).getTracer('dais');
  await compare(
    `${SPANS} spans, recorded and encoded as OTLP JSON`,
    async () => {
      for (let n = 0; n < SPANS; n++) {
        const attributes = {
          'http.request.method': 'POST',
          'http.response.status_code': 200,
          'url.path': '/api/v1/runs',
        };
        own.record({
          context: own.context(undefined),
          name: 'run.create',
          startMs: Date.now(),
          durationMs: 3.2,
          failed: false,
          attributes,
        });
      }
      await own.flush();
    },
    tracer &&
      transformer &&
      (() => {
        for (let n = 0; n < SPANS; n++) {
          const span = tracer.startSpan('run.create');
          span.setAttribute('http.request.method', 'POST');
          span.setAttribute('http.response.status_code', 200);
          span.setAttribute('url.path', '/api/v1/runs');
          span.end();
        }
        bytes += transformer.JsonTraceSerializer.serializeRequest(ended).length;
        ended = [];
      }),
    'OpenTelemetry SDK',
  );
}
