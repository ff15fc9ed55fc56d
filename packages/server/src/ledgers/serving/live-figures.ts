/** Rates of the last ten seconds, from the counters that a gateway reports every second. */
import type { GatewayFigures } from '@dais/api/gateway';
import type { EndpointFigures } from '@dais/api/serving';
import type { Transaction } from '#kernel/transaction.ts';
import { readEndpoint } from './endpoint-rows.ts';
import { countersOf, loadedOf, NOTHING, quantile, countersSince } from './figures.ts';
import type { GatewayLink } from './gateway-link.ts';
import { readModels } from './model-rows.ts';
import { runningRollout } from './rollout-rows.ts';
import { servedKey } from './served-model.ts';
import { UsageCounts } from './usage-counts.ts';

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

  hear(figures: GatewayFigures, at: number): void {
    const retained = this.#samples.filter((one) => one.figures.startedAt === figures.startedAt && at - one.at <= WINDOW_MS);
    this.#samples = [...retained, { at, figures }];
    this.usage.hear(figures, at);
  }

  /** Returns the latest sample, and the oldest of the window before it. */
  get window(): { readonly last: Sample; readonly first: Sample } | undefined {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)];
    return first === undefined || last === undefined ? undefined : { first, last };
  }
}

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
      const loaded = loadedOf(figures, model, { shadow });
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
