/** Recent statistics of gateways, and rates of an endpoint from them. */
import { latencyBoundMs, LATENCY_GRID, type GatewayFigures } from '@dais/api/gateway';
import type { RolloutFigures, EndpointFigures } from '@dais/api/serving';
import type { Transaction } from '#kernel/transaction.ts';
import { readEndpoint } from '../endpoints/endpoint-rows.ts';
import { GatewayCounts } from '../fleet/gateway-counts.ts';
import type { GatewayFleet } from '../fleet/gateway-fleet.ts';
import { recentSum } from '../fleet/gateway-view.ts';
import { countersOf, type Counters } from '../fleet/counters.ts';
import { readModels } from '../models/model-rows.ts';
import { runningRollout } from '../rollouts/rollout-rows.ts';
import { servedKey } from './served-model.ts';
import { UsageCounts } from '../usage/usage-counts.ts';

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

/** Keeps recent statistics of the gateway of this node, and the counts that wait to be stored. */
export class RecentFigures {
  #samples: readonly Sample[] = [];
  readonly usage = new UsageCounts();
  readonly counts: GatewayCounts;
  /** Called when a new version received requests. */
  onCanary: () => void = () => {};

  /** `now`: in milliseconds since 1970. */
  constructor(now: number) {
    this.counts = new GatewayCounts(now);
  }

  record(figures: GatewayFigures, at: number): void {
    const retained = this.#samples.filter(
      (one) => one.figures.startedAt === figures.startedAt && at - one.at <= WINDOW_MS,
    );
    this.#samples = [...retained, { at, figures }];
    this.usage.record(figures, at);
    if (this.counts.record(figures)) this.onCanary();
  }

  /** Returns the latest sample, and the oldest of the window before it. */
  get window(): { readonly last: Sample; readonly first: Sample } | undefined {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    return first === undefined || last === undefined ? undefined : { first, last };
  }
}

/** Rates of the last ten seconds, over the gateways of all live nodes. */
export async function readFigures(
  tx: Transaction,
  name: string,
  { fleet, project, now }: { readonly fleet: GatewayFleet; readonly project: string; readonly now: number },
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
  const gateways = await fleet.gateways(tx);
  const sum = (of: (figures: GatewayFigures) => number) =>
    gateways.reduce((total, { figures }) => total + (figures === undefined ? 0 : of(figures)), 0);
  return {
    endpoint: name,
    at: new Date(now).toISOString(),
    live: gateways.some(({ figures }) => figures !== undefined),
    variants: named.map(([variant, id]) => {
      const model = servedKey(id, row.spec);
      const of = { project, endpoint: name, variant, model };
      const recent = recentSum(gateways, of);
      const shadow = row.spec.shadow.some(({ name: one }) => one === variant);
      const loaded = (figures: GatewayFigures) => loadedModelOf(figures, model, { shadow });
      const rate = (count: number) => Math.round(count * 10) / 10;
      return {
        name: variant,
        model: models.get(id)?.label ?? id,
        requests: sum((figures) => countersOf(figures, of).requests),
        failed: sum((figures) => countersOf(figures, of).failed),
        refused: sum(
          ({ variants }) =>
            variants.find((one) => one.endpoint === name && one.project === project && one.variant === variant)
              ?.refused ?? 0,
        ),
        inFlight: sum((figures) => loaded(figures)?.inFlight ?? 0),
        ratePerSecond: rate(recent.requestsPerSecond),
        failedPerSecond: rate(recent.failedPerSecond),
        p50Ms: quantile(recent.latency, 0.5),
        p99Ms: quantile(recent.latency, 0.99),
        memoryBytes: sum((figures) => loaded(figures)?.memoryBytes ?? 0),
        workers: sum((figures) => loaded(figures)?.workers ?? 0),
      };
    }),
  };
}
