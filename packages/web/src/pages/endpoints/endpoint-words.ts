/** States and operational metrics of endpoints as texts and colors. Pure functions. */
import type { EndpointFigures, EndpointVariant, Rollout } from '@dais/api/serving';
import type { State } from '#ui/state-badge.tsx';

interface Word {
  readonly state: State;
  readonly word: string;
}

export const VARIANT_STATES: Readonly<Record<EndpointVariant['state'], Word>> = {
  preparing: { state: 'waiting', word: 'preparing' },
  loading: { state: 'waiting', word: 'loading' },
  ready: { state: 'ok', word: 'ready' },
  idle: { state: 'off', word: 'idle' },
  failed: { state: 'failed', word: 'failed' },
  quarantined: { state: 'failed', word: 'quarantined' },
};

export const ROLLOUT_STATES: Readonly<Record<Rollout['state'], Word>> = {
  running: { state: 'running', word: 'in progress' },
  paused: { state: 'warning', word: 'paused' },
  promoted: { state: 'ok', word: 'promoted' },
  rolledBack: { state: 'failed', word: 'rolled back' },
  failed: { state: 'failed', word: 'failed' },
  aborted: { state: 'off', word: 'aborted' },
  superseded: { state: 'off', word: 'superseded' },
};

export const STATUSES: Readonly<Record<Rollout['steps'][number]['status'], Word>> = {
  pending: { state: 'waiting', word: 'pending' },
  passed: { state: 'ok', word: 'passed' },
  failed: { state: 'failed', word: 'failed' },
  forced: { state: 'off', word: 'manual' },
};

export function milliseconds(value: number | null): string {
  return value === null ? '–' : `${value < 10 ? value.toFixed(2) : Math.round(value)} ms`;
}

export function weightText(weight: number): string {
  return `${Math.round(weight * 10) / 10} %`;
}

/** Name and number of the version that `models:/flights/7` or `models:/flights@champion` refers to. */
export function versionOf({ model, version }: Pick<EndpointVariant, 'model' | 'version'>): {
  readonly model: string | undefined;
  readonly version: string | undefined;
} {
  return { model: /^models:\/([^/@]+)/.exec(model)?.[1], version };
}

type VariantFigures = EndpointFigures['variants'][number];
type Totals = Pick<
  VariantFigures,
  'requests' | 'failed' | 'ratePerSecond' | 'failedPerSecond' | 'p50Ms' | 'p99Ms' | 'workers'
>;

/**
 * Aggregates all variants of an endpoint as callers see it: sums of requests, the latency percentiles of the variant
 * with most responses, and the maximum of the 99th percentiles. Percentiles cannot be added.
 */
export function totals({ variants }: Pick<EndpointFigures, 'variants'>): Totals {
  const sum = (read: (one: VariantFigures) => number) => variants.reduce((all, one) => all + read(one), 0);
  const round = (value: number) => Math.round(value * 10) / 10;
  const [most] = variants.toSorted((a, b) => b.ratePerSecond - a.ratePerSecond);
  const slowest = variants.flatMap(({ p99Ms }) => p99Ms ?? []);
  return {
    requests: sum((one) => one.requests),
    failed: sum((one) => one.failed),
    ratePerSecond: round(sum((one) => one.ratePerSecond)),
    failedPerSecond: round(sum((one) => one.failedPerSecond)),
    p50Ms: most?.p50Ms ?? null,
    p99Ms: slowest.length === 0 ? null : Math.max(...slowest),
    workers: sum((one) => one.workers),
  };
}
