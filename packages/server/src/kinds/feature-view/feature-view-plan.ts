import { type Resource } from '@dais/api';
import { durationMicroseconds, featureViewSpec } from '@dais/api/data';
import type { ControllerPlan, PlannedCondition } from '#kernel/kind.ts';
import { formatMoment, type OnlineState } from '#ledgers/features/index.ts';

export interface ViewFacts extends OnlineState {
  readonly nowMs: number;
}

/** Materializes new rows. */
export interface Refresh {
  readonly view: string;
}

/** Pure. */
export function planFeatureView({ metadata, spec: authored }: Resource, facts: ViewFacts): ControllerPlan<Refresh> {
  const spec = featureViewSpec.parse(authored);
  const { materializedTo, materializedAt, failure, underWay, nowMs } = facts;
  const brought = spec.online && (spec.source.type === 'dataset' || spec.source.type === 'sql');
  const status = {
    ...(materializedTo !== undefined && { materializedTo: formatMoment(materializedTo) }),
    ...(materializedAt !== undefined && { materializedAt: materializedAt.toISOString() }),
  };
  const topics = [metadata.uid];
  const conditions = [readyOf(facts, brought)];
  if (!brought || spec.refresh === undefined || metadata.deletionRequestedAt !== undefined) {
    return { effects: [], conditions, status, wakeOn: topics };
  }
  const everyMs = durationMicroseconds(spec.refresh.every) / 1000;
  // A failure counts as an end: the next attempt follows after the usual interval.
  const last = Math.max(materializedAt?.getTime() ?? 0, failure?.at.getTime() ?? 0);
  const waitMs = last === 0 ? 0 : last + everyMs - nowMs;
  if (underWay || waitMs > 0) {
    return { effects: [], conditions, status, wakeOn: topics, recheckAfterMs: underWay ? everyMs : Math.ceil(waitMs) };
  }
  return { effects: [{ view: metadata.name }], conditions, status, wakeOn: topics, recheckAfterMs: everyMs };
}

function readyOf({ materializedTo, failure, underWay }: ViewFacts, brought: boolean): PlannedCondition {
  const condition = (status: PlannedCondition['status'], reason: string, message: string) => ({
    type: 'Ready',
    status,
    reason,
    message,
  });
  if (!brought) return condition('True', 'Defined', 'The view does not need the online store.');
  if (failure !== undefined)
    return condition('False', 'MaterializationFailed', `Materialization failed: ${failure.error}`);
  if (materializedTo !== undefined)
    return condition('True', 'Materialized', `Values are materialized up to ${formatMoment(materializedTo)}.`);
  return underWay
    ? condition('Unknown', 'Materializing', 'Materialization is running.')
    : condition('Unknown', 'NotMaterialized', 'The view was never materialized. Run `dais features materialize`.');
}
