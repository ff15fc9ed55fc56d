import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { FinishedRequest } from '#http/server/http-server.ts';
import { metricDefinitions } from '#http/metrics/metric-definitions.ts';
import type { KernelHealth } from '#kernel/kernel.ts';
import { collectProcessMetrics } from '#lib/system/process-metrics.ts';

/** Sources of values that are read on each scrape. */
export interface MetricSources {
  readonly requests: () => { readonly running: number; readonly streams: number };
  readonly queries: () => { readonly running: number; readonly waiting: number };
  readonly pool: () => { readonly total: number; readonly idle: number; readonly waiting: number };
  /** @throws if the database does not respond. */
  readonly health: () => Promise<KernelHealth>;
  /** The disk of the data folder. @throws if it cannot be inspected. */
  readonly disk: () => Promise<{ readonly free: number; readonly size: number }>;
  /** Gauges of ledgers, by the names of their definitions. Each throws if the database does not respond. */
  readonly ledgers: readonly (() => Promise<readonly LedgerSample[]>)[];
  /** Connections of steps to other servers, since the start of the process. */
  readonly egress: () => { readonly refused: number; readonly sentBytes: number; readonly receivedBytes: number };
  /** @throws if the database does not respond. */
  readonly content: () => Promise<{
    readonly damaged: number;
    readonly checkedObjects: number;
    readonly checkedBytes: number;
    readonly progress: number | undefined;
  }>;
}

interface LedgerSample {
  /** Name of the metric. */
  readonly gauge: string;
  readonly value: number;
  readonly labels: Readonly<Record<string, string>>;
}

const FROM_DATABASE = [
  'archiveAge',
  'archivePending',
  'archiveBaseAge',
  'watchReaders',
  'watchAge',
  'eventsUnsequenced',
  'sequencing',
  'reconcileQueue',
  'jobs',
  'steps',
  'computeRequested',
  'computeCapacity',
  'executionsEnded',
  'contentDamaged',
  'contentCheckedObjects',
  'contentCheckedBytes',
  'contentScrubProgress',
  'monitors',
  'monitorAlerts',
  'monitorFailing',
  'monitorValue',
] as const;

export class Metrics {
  readonly #registry = new Registry();
  readonly #duration: Histogram;
  readonly #gauges = new Map<string, Gauge>();
  readonly #counters = new Map<string, Counter>();

  constructor(facts: { readonly version: string; readonly role: string }) {
    collectProcessMetrics(this.#registry);
    const { requestDuration, egressRefused, egressBytes, ...gauges } = metricDefinitions;
    this.#duration = new Histogram({
      name: requestDuration.name,
      help: requestDuration.help,
      labelNames: [...requestDuration.labels],
      buckets: [...requestDuration.buckets],
      registers: [this.#registry],
    });
    for (const { name, help, labels } of [egressRefused, egressBytes]) {
      this.#counters.set(name, new Counter({ name, help, labelNames: [...labels], registers: [this.#registry] }));
    }
    for (const { name, help, labels } of Object.values(gauges)) {
      this.#gauges.set(name, new Gauge({ name, help, labelNames: [...labels], registers: [this.#registry] }));
    }
    this.#set('info', 1, facts);
  }

  observe({ operation, status, durationMs, streamed }: FinishedRequest): void {
    // A label for requests without a route: the paths would create one series for each typing error.
    if (!streamed)
      this.#duration.observe({ operation: operation === '' ? 'none' : operation, status }, durationMs / 1000);
  }

  /** Returns the metrics in the Prometheus text format, with their content type. */
  async expose(sources: MetricSources): Promise<{ readonly type: string; readonly text: string }> {
    const { running, streams } = sources.requests();
    const { total, idle, waiting } = sources.pool();
    this.#set('requestsRunning', running);
    this.#set('streams', streams);
    const queries = sources.queries();
    this.#set('queries', queries.running, { state: 'running' });
    this.#set('queries', queries.waiting, { state: 'pending' });
    this.#set('databaseConnections', total - idle, { state: 'busy' });
    this.#set('databaseConnections', idle, { state: 'idle' });
    this.#set('databaseWaiting', waiting);
    const { refused, sentBytes, receivedBytes } = sources.egress();
    this.#count('egressRefused', refused);
    this.#count('egressBytes', sentBytes, { direction: 'sent' });
    this.#count('egressBytes', receivedBytes, { direction: 'received' });
    await Promise.all([this.#readHealth(sources), this.#readDisk(sources)]);
    return { type: this.#registry.contentType, text: await this.#registry.metrics() };
  }

  async #readDisk({ disk: read }: MetricSources): Promise<void> {
    const disk = await read().catch(() => undefined);
    for (const [key, value] of [['diskFree', disk?.free] as const, ['diskSize', disk?.size] as const]) {
      if (value !== undefined) this.#set(key, value);
      else this.#gauges.get(metricDefinitions[key].name)?.remove();
    }
  }

  async #readHealth({ health: read, ledgers, content }: MetricSources): Promise<void> {
    for (const key of FROM_DATABASE) this.#gauges.get(metricDefinitions[key].name)?.reset();
    const health = await read().catch(() => undefined);
    this.#set('databaseUp', health === undefined ? 0 : 1);
    if (health === undefined) {
      // A gauge without labels is 0 after a reset; an unknown value must be missing instead.
      for (const key of FROM_DATABASE) {
        const { name, labels } = metricDefinitions[key];
        if (labels.length === 0) this.#gauges.get(name)?.remove();
      }
      return;
    }
    this.#set('watchReaders', health.watchers);
    this.#set('watchAge', health.watchAgeMs / 1000);
    this.#set('eventsUnsequenced', health.unsequenced);
    this.#set('sequencing', health.sequencing ? 1 : 0);
    this.#set('reconcileQueue', health.reconcile.due, { state: 'due' });
    this.#set('reconcileQueue', health.reconcile.running, { state: 'running' });
    for (const { queue, state, n } of health.jobs) this.#set('jobs', n, { queue, state });
    this.#setContent(await content().catch(() => undefined));
    for (const readLedger of ledgers) {
      for (const { gauge, value, labels } of await readLedger().catch(() => [])) {
        const known = this.#gauges.get(gauge);
        if (known === undefined) throw new Error(`There is no metric definition for ${gauge}`);
        known.set(labels, value);
      }
    }
  }

  #setContent(content: Awaited<ReturnType<MetricSources['content']>> | undefined): void {
    const values = {
      contentDamaged: content?.damaged,
      contentCheckedObjects: content?.checkedObjects,
      contentCheckedBytes: content?.checkedBytes,
      contentScrubProgress: content?.progress,
    } as const;
    for (const [key, value] of Object.entries(values) as [keyof typeof values, number | undefined][]) {
      if (value !== undefined) this.#set(key, value);
      // A gauge without labels is 0 after a reset; an unknown value must be missing instead.
      else this.#gauges.get(metricDefinitions[key].name)?.remove();
    }
  }

  /** Sets a counter to the total of its source. */
  #count(key: 'egressRefused' | 'egressBytes', value: number, labels: Readonly<Record<string, string>> = {}): void {
    const counter = this.#counters.get(metricDefinitions[key].name);
    counter?.remove(labels);
    counter?.inc(labels, value);
  }

  #set(key: keyof typeof metricDefinitions, value: number, labels: Readonly<Record<string, string>> = {}): void {
    this.#gauges.get(metricDefinitions[key].name)?.set(labels, value);
  }
}
