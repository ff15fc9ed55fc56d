/** What both versions of a rollout have served at all gateways since its step and its interval in progress started. */
import type { RolloutFigures } from '@dais/api/serving';
import type { Transaction } from '#kernel/transaction.ts';
import type { EndpointRow } from '../endpoints/endpoint-rows.ts';
import { COUNT_MINUTE_MS, readCounts, type StoredCounts } from '../fleet/count-rows.ts';
import { addCounters, countersSince, NO_REQUESTS, unpackCounters, type Counters } from '../fleet/counters.ts';
import { summarizeCounters } from '../publishing/gateway-counters.ts';
import { servedKey } from '../publishing/served-model.ts';
import type { OpenInterval, RolloutRow, StepRow } from './rollout-rows.ts';

/** Keys of the models of a rollout in gateways; undefined: the endpoint has no current version. */
export interface RolloutKeys {
  readonly stable: string | undefined;
  readonly canary: string;
}

export function rolloutKeys(row: Pick<EndpointRow, 'stable' | 'spec'>, { to_model: to }: RolloutRow): RolloutKeys {
  return {
    stable: row.stable === null ? undefined : servedKey(row.stable, row.spec),
    canary: servedKey(to, row.spec),
  };
}

/** Counts of all gateways at one moment. */
export interface CountReading {
  /** The current minute of the database. */
  readonly minute: number;
  readonly counts: readonly StoredCounts[];
}

export async function readRolloutCounts(tx: Transaction, row: EndpointRow, rollout: RolloutRow): Promise<CountReading> {
  const { stable, canary } = rolloutKeys(row, rollout);
  const models = [canary, ...(stable === undefined ? [] : [stable])];
  return await readCounts(tx, { endpoint: row.name, models, from: rollout.open_interval?.from });
}

/** Sums the counts of both versions from a minute on. Pure. */
function sumCounts({ counts }: CountReading, keys: RolloutKeys, from: number) {
  const of = (variant: 'stable' | 'canary') =>
    counts.reduce(
      (sum, one) =>
        one.variant === variant && one.model === keys[variant] && one.minute >= from
          ? addCounters(sum, one.counters)
          : sum,
      NO_REQUESTS,
    );
  return { stable: of('stable'), canary: of('canary') };
}

/**
 * Returns an interval that starts now. It counts from the previous minute, in which gateways may still add requests. `at`: in
 * ms. Pure.
 */
export function startInterval(reading: CountReading, keys: RolloutKeys, at: number): OpenInterval {
  const from = reading.minute - COUNT_MINUTE_MS;
  return { at, from, ...sumCounts(reading, keys, from) };
}

/** The current step of a rollout. */
export interface StepFacts {
  readonly startedMs: number;
  readonly stable: RolloutFigures;
  readonly canary: RolloutFigures;
  /** The counters now: the start of the next interval. */
  readonly counters: OpenInterval;
  /** The interval in progress; undefined: none was started. */
  readonly interval: { readonly startedMs: number; readonly stable: Counters; readonly canary: Counters } | undefined;
}

/** `now`: in ms. Pure. */
export function stepFacts(
  reading: CountReading,
  keys: RolloutKeys,
  { open, step }: { readonly open: OpenInterval | null; readonly step: Pick<StepRow, 'started_at' | 'counts'> },
  now: number,
): StepFacts {
  const sums = open === null ? undefined : sumCounts(reading, keys, open.from);
  const since = (variant: 'stable' | 'canary') =>
    sums === undefined || open === null ? NO_REQUESTS : countersSince(sums[variant], open[variant]);
  const [stable, canary] = [since('stable'), since('canary')];
  const total = (variant: 'stable' | 'canary', more: Counters) =>
    summarizeCounters(addCounters(step.counts === null ? NO_REQUESTS : unpackCounters(step.counts[variant]), more));
  return {
    startedMs: step.started_at.getTime(),
    stable: total('stable', stable),
    canary: total('canary', canary),
    counters: startInterval(reading, keys, now),
    interval: open === null ? undefined : { startedMs: open.at, stable, canary },
  };
}
