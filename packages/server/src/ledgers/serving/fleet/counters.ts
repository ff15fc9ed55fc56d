/** Counters of requests, and their form in the database, in which most buckets are empty. */
import type { GatewayFigures } from '@dais/api/gateway';

export interface VariantKey {
  /** Name of the project. */
  readonly project: string;
  readonly endpoint: string;
  readonly variant: string;
  /** Key of the model in gateways. */
  readonly model: string;
}

export interface Counters {
  readonly requests: number;
  readonly failed: number;
  /** Requests by the buckets of `LATENCY_GRID`; missing buckets have none. */
  readonly latency: readonly number[];
}

/** Pairs of a bucket and its requests. */
export type PackedLatency = readonly (readonly [number, number])[];

export interface PackedCounters {
  readonly requests: number;
  readonly failed: number;
  readonly latency: PackedLatency;
}

export const NO_REQUESTS: Counters = { requests: 0, failed: 0, latency: [] };

/** Returns the counters of one variant with one model; zeros if the gateway has none. */
export function countersOf(figures: GatewayFigures | undefined, of: VariantKey): Counters {
  const found = figures?.variants.find(
    (one) =>
      one.project === of.project &&
      one.endpoint === of.endpoint &&
      one.variant === of.variant &&
      one.model === of.model,
  );
  return found ?? NO_REQUESTS;
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

export function addCounters(a: Counters, b: Counters): Counters {
  const length = Math.max(a.latency.length, b.latency.length);
  return {
    requests: a.requests + b.requests,
    failed: a.failed + b.failed,
    latency: Array.from({ length }, (_, at) => (a.latency[at] ?? 0) + (b.latency[at] ?? 0)),
  };
}

export function packCounters({ requests, failed, latency }: Counters): PackedCounters {
  return { requests, failed, latency: latency.flatMap((count, at) => (count === 0 ? [] : [[at, count] as const])) };
}

export function unpackCounters({ requests, failed, latency }: PackedCounters): Counters {
  const unpacked: number[] = [];
  for (const [bucket, count] of latency) {
    while (unpacked.length <= bucket) unpacked.push(0);
    unpacked[bucket] = (unpacked[bucket] ?? 0) + count;
  }
  return { requests, failed, latency: unpacked };
}
