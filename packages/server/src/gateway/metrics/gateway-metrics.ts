/** Gateway metrics in the Prometheus text format. Values are counted in plain fields and formatted on each scrape. */
import { LATENCY_BUCKETS_MS } from '@dais/api/gateway';
import { Registry } from 'prom-client';
import { collectProcessMetrics } from '#lib/system/process-metrics.ts';
import { gatewayMetrics } from './gateway-metric-definitions.ts';
import type { GatewayStats, VariantStats } from './gateway-stats.ts';

type Key = keyof typeof gatewayMetrics;
type Labels = Readonly<Record<string, string>>;

const STATES = ['ready', 'idle', 'loading', 'failed', 'quarantined'] as const;

export class GatewayMetrics {
  readonly #registry = new Registry();

  constructor() {
    collectProcessMetrics(this.#registry);
  }

  async expose(stats: GatewayStats): Promise<{ readonly type: string; readonly text: string }> {
    const own = [
      ...variantLines(stats.variants),
      ...modelLines(stats),
      ...captureLines(stats),
      ...metric('revision', [[{}, stats.revision]]),
    ];
    return { type: this.#registry.contentType, text: `${await this.#registry.metrics()}\n${own.join('\n')}\n` };
  }
}

function variantLines(variants: readonly VariantStats[]): string[] {
  const of = (pick: (variant: VariantStats) => number) =>
    variants.map((variant): [Labels, number] => [labelsOf(variant), pick(variant)]);
  return [
    ...metric(
      'requests',
      of(({ requests }) => requests),
    ),
    ...metric(
      'failures',
      of(({ failures }) => failures),
    ),
    ...metric(
      'refused',
      of(({ refused }) => refused),
    ),
    ...metric(
      'shed',
      of(({ shed }) => shed),
    ),
    ...metric(
      'rows',
      of(({ rows }) => rows),
    ),
    ...metric(
      'shadowDropped',
      of(({ shadowDropped }) => shadowDropped),
    ),
    ...heading('latency'),
    ...variants.flatMap(histogram),
  ];
}

function histogram(variant: VariantStats): string[] {
  const { name } = gatewayMetrics.latency;
  const labels = labelsOf(variant);
  let below = 0;
  const buckets = variant.latencies.map((count, index) => {
    below += count;
    return line(`${name}_bucket`, { ...labels, le: bound(index) }, below);
  });
  return [...buckets, line(`${name}_sum`, labels, variant.latencySeconds), line(`${name}_count`, labels, below)];
}

function bound(index: number): string {
  const ms = LATENCY_BUCKETS_MS[index];
  return ms === undefined ? '+Inf' : String(ms / 1000);
}

function modelLines({ models }: GatewayStats): string[] {
  return [
    ...metric(
      'models',
      STATES.map((state) => [{ state }, models.filter((model) => model.state === state).length]),
    ),
    ...metric(
      'quarantined',
      models.map(({ key, project, name, version, state }) => [
        { model: key, project, name, version },
        state === 'quarantined' ? 1 : 0,
      ]),
    ),
    ...metric(
      'waitingRows',
      models.map(({ key, waitingRows }) => [{ model: key }, waitingRows]),
    ),
    ...metric(
      'running',
      models.map(({ key, running }) => [{ model: key }, running]),
    ),
    ...metric(
      'workers',
      models.map(({ key, concurrency }) => [{ model: key }, concurrency]),
    ),
    ...metric(
      'coldStart',
      models.flatMap(({ key, loadMs }): [Labels, number][] =>
        loadMs === undefined ? [] : [[{ model: key }, loadMs / 1000]],
      ),
    ),
    ...metric(
      'memory',
      models.map(({ key, memoryBytes }) => [{ model: key }, memoryBytes]),
    ),
    ...metric(
      'crashes',
      models.map(({ key, crashes }) => [{ model: key }, crashes]),
    ),
  ];
}

function captureLines({ capture }: GatewayStats): string[] {
  if (capture === undefined) return [];
  const { records, dropped, shed, cut, pendingBytes } = capture;
  return [
    ...metric('kept', [[{}, records]]),
    ...metric('lost', [
      [{ how: 'dropped' }, dropped],
      [{ how: 'shed' }, shed],
    ]),
    ...metric('cut', [[{}, cut]]),
    ...metric('keeping', [[{}, pendingBytes]]),
  ];
}

function labelsOf({ project, endpoint, variant, version, shadow }: VariantStats): Labels {
  return { project, endpoint, variant, version, shadow: String(shadow) };
}

function metric(key: Key, values: readonly (readonly [Labels, number])[]): string[] {
  return [...heading(key), ...values.map(([labels, value]) => line(gatewayMetrics[key].name, labels, value))];
}

function heading(key: Key): string[] {
  const { name, help, type } = gatewayMetrics[key];
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
}

function line(name: string, labels: Labels, value: number): string {
  const formatted = Object.entries(labels).map(([key, text]) => `${key}="${text.replaceAll(/["\\\n]/g, escaped)}"`);
  return formatted.length === 0 ? `${name} ${value}` : `${name}{${formatted.join(',')}} ${value}`;
}

function escaped(sign: string): string {
  return sign === '\n' ? '\\n' : `\\${sign}`;
}
