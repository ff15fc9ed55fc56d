/** Derives rates of a period from two readings of counters. */
import { LATENCY_BUCKETS_MS, type GatewayFigures } from '@dais/api/gateway';
import type { RolloutFigures } from '@dais/api/serving';

export interface Counters {
  readonly requests: number;
  readonly failed: number;
  readonly latency: readonly number[];
}

export const NOTHING: Counters = { requests: 0, failed: 0, latency: [] };

/** Returns the counters of one variant with one model; zeros if the gateway has none. */
export function countersOf(
  figures: GatewayFigures | undefined,
  of: { readonly project: string; readonly endpoint: string; readonly variant: string; readonly model: string },
): Counters {
  const found = figures?.variants.find(
    (one) =>
      one.project === of.project &&
      one.endpoint === of.endpoint &&
      one.variant === of.variant &&
      one.model === of.model,
  );
  return found ?? NOTHING;
}

/**
 * Returns the state of a model in the gateway. As a shadow it has an instance of its own with the key `shadow:KEY`; a
 * model that is only a shadow has only that one.
 */
export function loadedOf(figures: GatewayFigures | undefined, key: string, { shadow }: { readonly shadow: boolean }) {
  const of = (name: string) => figures?.models.find((one) => one.key === name);
  const copy = `shadow:${key}`;
  return shadow ? (of(copy) ?? of(key)) : (of(key) ?? of(copy));
}

/** Returns the difference to `before`. A lower counter has been reset. */
export function countersSince(now: Counters, before: Counters): Counters {
  const anew = now.requests < before.requests;
  const less = (a: number, b: number | undefined) => (anew ? a : Math.max(0, a - (b ?? 0)));
  return {
    requests: less(now.requests, before.requests),
    failed: less(now.failed, before.failed),
    latency: now.latency.map((count, at) => less(count, before.latency[at])),
  };
}

/** In ms, interpolated within its bucket; null without requests. Above the last bound: that bound. */
export function quantile(latency: readonly number[], share: number): number | null {
  const total = latency.reduce((sum, one) => sum + one, 0);
  if (total === 0) return null;
  const wanted = total * share;
  let below = 0;
  for (const [at, count] of latency.entries()) {
    if (count > 0 && below + count >= wanted) {
      const low = at === 0 ? 0 : (LATENCY_BUCKETS_MS[at - 1] ?? 0);
      const high = LATENCY_BUCKETS_MS[at] ?? low;
      return Math.round((low + (high - low) * ((wanted - below) / count)) * 1000) / 1000;
    }
    below += count;
  }
  return LATENCY_BUCKETS_MS.at(-1) ?? null;
}

export function summarizeCounters(counters: Counters): RolloutFigures {
  return {
    requests: counters.requests,
    failed: counters.failed,
    p50Ms: quantile(counters.latency, 0.5),
    p99Ms: quantile(counters.latency, 0.99),
  };
}
