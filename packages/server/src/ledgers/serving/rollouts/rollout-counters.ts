/** What both versions of a rollout have served since its step and its interval in progress started. */
import type { GatewayFigures } from '@dais/api/gateway';
import type { RolloutFigures } from '@dais/api/serving';
import type { EndpointRow } from '../endpoints/endpoint-rows.ts';
import { countersOf, countersSince, summarizeCounters, type Counters } from '../publishing/gateway-counters.ts';
import { servedKey } from '../publishing/served-model.ts';
import type { OpenInterval, RolloutRow, StepBaseline } from './rollout-rows.ts';

const NOTHING: Counters = { requests: 0, failed: 0, latency: [] };

/** Returns the current counters of both versions. `now`: in ms. */
export function readCounters(
  figures: GatewayFigures,
  { row, rollout, project }: { readonly row: EndpointRow; readonly rollout: RolloutRow; readonly project: string },
  now: number,
): OpenInterval {
  const of = (variant: string, id: string | null) => {
    if (id === null) return NOTHING;
    const model = servedKey(id, row.spec);
    const { requests, failed, latency } = countersOf(figures, { project, endpoint: row.name, variant, model });
    return { requests, failed, latency };
  };
  const [stable, canary] = [of('stable', row.stable), of('canary', rollout.to_model)];
  return { at: now, startedAt: figures.startedAt, stable, canary };
}

/** The current step of a rollout. */
export interface StepFacts {
  readonly startedMs: number;
  readonly stable: RolloutFigures;
  readonly canary: RolloutFigures;
  /** The counters now; undefined: no gateway reports metrics. */
  readonly counters: OpenInterval | undefined;
  /** The interval in progress; undefined: none was started. */
  readonly interval: { readonly startedMs: number; readonly stable: Counters; readonly canary: Counters } | undefined;
}

/** `baseline`: the counters at the start of the step. */
export function countSince(
  now: OpenInterval | undefined,
  { open_interval: open }: Pick<RolloutRow, 'open_interval'>,
  baseline: StepBaseline | null,
): Omit<StepFacts, 'startedMs'> {
  const since = (variant: 'stable' | 'canary', start: StepBaseline | null) => {
    const counters = now?.[variant] ?? NOTHING;
    // Counters start with the process of the gateway.
    return start !== null && start.startedAt === now?.startedAt ? countersSince(counters, start[variant]) : counters;
  };
  return {
    stable: summarizeCounters(since('stable', baseline)),
    canary: summarizeCounters(since('canary', baseline)),
    counters: now,
    interval:
      open === null ? undefined : { startedMs: open.at, stable: since('stable', open), canary: since('canary', open) },
  };
}
