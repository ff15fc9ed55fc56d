/** Derives rates of a period from two readings of counters. */
import { latencyBoundMs, LATENCY_GRID, type GatewayFigures } from '@dais/api/gateway';
import type { RolloutFigures, EndpointFigures } from '@dais/api/serving';
import type { Transaction } from '#kernel/transaction.ts';
import { readEndpoint } from '../endpoints/endpoint-rows.ts';
import type { GatewayLink } from './gateway-link.ts';
import { readModels } from '../models/model-rows.ts';
import { runningRollout } from '../rollouts/rollout-rows.ts';
import { servedKey } from './served-model.ts';
import { UsageCounts } from '../usage/usage-counts.ts';

export interface Counters {
  readonly requests: number;
  readonly failed: number;
  readonly latency: readonly number[];
}

const NOTHING: Counters = { requests: 0, failed: 0, latency: [] };

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
 * Returns the state of a model in the gateway. As a shadow it has an instance of its own with the key `shadow:KEY`: one
 * instance is not ready because the other is. Undefined: the gateway has not reported the instance.
 */
export function loadedModelOf(
  figures: GatewayFigures | undefined,
  key: string,
  { shadow }: { readonly shadow: boolean },
) {
  const instance = shadow ? `shadow:${key}` : key;
  return figures?.models.find((one) => one.key === instance);
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
  const target = total * share;
  let below = 0;
  for (const [at, count] of latency.entries()) {
    if (count > 0 && below + count >= target) {
      const low = at === 0 ? 0 : latencyBoundMs(at - 1);
      const high = latencyBoundMs(at);
      return Math.round((low + (high - low) * ((target - below) / count)) * 1000) / 1000;
    }
    below += count;
  }
  return latencyBoundMs(LATENCY_GRID.buckets - 1);
}

export function summarizeCounters(counters: Counters): RolloutFigures {
  return {
    requests: counters.requests,
    failed: counters.failed,
    p50Ms: quantile(counters.latency, 0.5),
    p99Ms: quantile(counters.latency, 0.99),
  };
}

const WINDOW_MS = 10_000;

interface Sample {
  readonly at: number;
  readonly figures: GatewayFigures;
}

/** Keeps recent statistics of a gateway. */
export class RecentFigures {
  #samples: readonly Sample[] = [];
  /** The part that is kept. */
  readonly usage = new UsageCounts();

  record(figures: GatewayFigures, at: number): void {
    const retained = this.#samples.filter(
      (one) => one.figures.startedAt === figures.startedAt && at - one.at <= WINDOW_MS,
    );
    this.#samples = [...retained, { at, figures }];
    this.usage.record(figures, at);
  }

  /** Returns the latest sample, and the oldest of the window before it. */
  get window(): { readonly last: Sample; readonly first: Sample } | undefined {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    return first === undefined || last === undefined ? undefined : { first, last };
  }
}

/** Rates of the last ten seconds, from the counters that a gateway reports every second. */
export async function readFigures(
  tx: Transaction,
  name: string,
  {
    gateway,
    recent,
    project,
    now,
  }: { readonly gateway: GatewayLink; readonly recent: RecentFigures; readonly project: string; readonly now: number },
): Promise<EndpointFigures> {
  const row = await readEndpoint(tx, name);
  const rollout = await runningRollout(tx, row.uid);
  const named: (readonly [string, string])[] = [
    ...(row.stable === null ? [] : [['stable', row.stable] as const]),
    ...(rollout === undefined ? [] : [['canary', rollout.to_model] as const]),
    ...Object.entries(row.active),
  ];
  const models = await readModels(
    tx,
    named.map(([, id]) => id),
  );
  const { window } = recent;
  const figures = gateway.figures();
  const seconds = window === undefined ? 0 : (window.last.at - window.first.at) / 1000;
  return {
    endpoint: name,
    at: new Date(now).toISOString(),
    live: figures !== undefined,
    variants: named.map(([variant, id]) => {
      const model = servedKey(id, row.spec);
      const of = { project, endpoint: name, variant, model };
      const last = countersOf(figures, of);
      const lately =
        window === undefined
          ? NOTHING
          : countersSince(countersOf(window.last.figures, of), countersOf(window.first.figures, of));
      const shadow = row.spec.shadow.some(({ name: one }) => one === variant);
      const loaded = loadedModelOf(figures, model, { shadow });
      const rate = (count: number) => (seconds === 0 ? 0 : Math.round((count / seconds) * 10) / 10);
      return {
        name: variant,
        model: models.get(id)?.label ?? id,
        requests: last.requests,
        failed: last.failed,
        refused:
          figures?.variants.find((one) => one.endpoint === name && one.project === project && one.variant === variant)
            ?.refused ?? 0,
        inFlight: loaded?.inFlight ?? 0,
        ratePerSecond: rate(lately.requests),
        failedPerSecond: rate(lately.failed),
        p50Ms: quantile(lately.latency, 0.5),
        p99Ms: quantile(lately.latency, 0.99),
        memoryBytes: loaded?.memoryBytes ?? 0,
        workers: loaded?.workers ?? 0,
      };
    }),
  };
}
