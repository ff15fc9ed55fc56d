/** From counters that only grow to what happened between two looks at them. */
import { LATENCY_BUCKETS_MS, type GatewayFigures } from '@dais/api/gateway';
import type { RolloutFigures } from '@dais/api/serving';

export interface Counters {
  readonly requests: number;
  readonly failed: number;
  readonly latency: readonly number[];
}

export const NOTHING: Counters = { requests: 0, failed: 0, latency: [] };

/** Of one variant with one model; nothing when the gateway has not counted it. */
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
 * How a model is there. As a shadow it has an instance of its own, which the gateway calls `shadow:KEY`: a model that is
 * nothing else has only that one.
 */
export function loadedOf(figures: GatewayFigures | undefined, key: string, { shadow }: { readonly shadow: boolean }) {
  const of = (name: string) => figures?.models.find((one) => one.key === name);
  const copy = `shadow:${key}`;
  return shadow ? (of(copy) ?? of(key)) : (of(key) ?? of(copy));
}

/** What came after `before`. A counter that fell began anew. */
export function since(now: Counters, before: Counters): Counters {
  const anew = now.requests < before.requests;
  const less = (a: number, b: number | undefined) => (anew ? a : Math.max(0, a - (b ?? 0)));
  return {
    requests: less(now.requests, before.requests),
    failed: less(now.failed, before.failed),
    latency: now.latency.map((count, at) => less(count, before.latency[at])),
  };
}

/** In ms, placed evenly within its bucket; null without requests. Beyond the last bound: that bound. */
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

export function summarize(counters: Counters): RolloutFigures {
  return {
    requests: counters.requests,
    failed: counters.failed,
    p50Ms: quantile(counters.latency, 0.5),
    p99Ms: quantile(counters.latency, 0.99),
  };
}
