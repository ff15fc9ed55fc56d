/** Evaluates checks of outputs that need no ground truth: fairness and estimated performance. */
import { nameOfCheck, type MonitorEstimate, type MonitorFairness } from '@dais/api/monitoring';
import type { Asking } from './asking.ts';
import { judgeEstimate } from './checks/estimated-performance.ts';
import { judgeFairness } from './checks/fairness.ts';
import { unknownOutcome, type CheckOutcome } from './checks/outcome.ts';
import { targetOf } from './classes.ts';
import { estimatePerformance } from './estimate-performance.ts';
import { measureFairness, presentFairness, type FairnessCheck } from './measure-fairness.ts';
import type { MonitorRow } from './monitor-rows.ts';
import type { MonitoringParts } from './monitoring-parts.ts';
import type { EstimateCheck, ScoreReference } from './score-reference.ts';
import type { OpenWindow } from './source/window.ts';

export interface JudgedOutputs {
  readonly outcome: CheckOutcome;
  readonly estimate: MonitorEstimate | undefined;
  readonly reference: ScoreReference | undefined;
  readonly fairness: readonly MonitorFairness[];
  readonly notes: readonly string[];
}

export async function judgeOutputs(
  parts: MonitoringParts,
  monitor: MonitorRow,
  window: OpenWindow,
  check: EstimateCheck | FairnessCheck,
  asking: Asking,
): Promise<JudgedOutputs> {
  const { spec } = monitor;
  const none = { estimate: undefined, reference: undefined, fairness: [], notes: [] };
  const metric = check.type === 'fairness' ? 'demographic_parity_difference' : 'accuracy';
  const unknown = (reason: string) => ({ ...none, outcome: unknownOutcome(check, spec, metric, reason) });
  if (window.rows < spec.minSamples) {
    return unknown(
      window.rows === 0
        ? 'The window has no rows.'
        : `The window has ${window.rows} rows, fewer than ${spec.minSamples}.`,
    );
  }
  if (check.type === 'estimatedPerformance') {
    const estimated = await estimatePerformance(parts, monitor, window, check, asking);
    if ('unknown' in estimated) return unknown(estimated.unknown);
    const { told, made, others } = estimated;
    return {
      ...none,
      outcome: judgeEstimate(check, spec, told),
      estimate: told,
      reference: made,
      notes:
        others > 0
          ? [`The estimate covers ${told.model}/${told.version} only. ${others} rows are of other versions.`]
          : [],
    };
  }
  const target = targetOf(spec.prediction, window.fields);
  if ('unknown' in target) return unknown(target.unknown);
  if (target.task === 'regression') return unknown(NO_CLASSES);
  const measured = await measureFairness(asking, window.data, {
    check,
    target,
    fields: window.fields,
    label: undefined,
  });
  if ('unknown' in measured) return unknown(measured.unknown);
  return {
    ...none,
    outcome: judgeFairness(check, spec, measured),
    fairness: presentFairness(nameOfCheck(check), measured),
  };
}

export const NO_CLASSES = 'The model is a regression. Fairness is evaluated for classification only.';
