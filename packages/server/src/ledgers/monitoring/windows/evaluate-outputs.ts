/** Evaluates checks of outputs that need no ground truth: fairness and estimated performance. */
import { countNoun } from '@dais/api';
import { nameOfCheck, type MonitorEstimate, type MonitorFairness, type MonitorSpec } from '@dais/api/monitoring';
import type { EstimateCheck, ScoreReference } from '../baselines/score-reference.ts';
import { evaluateFairness } from '../checks/fairness.ts';
import { unknownOutcome, type CheckOutcome, outcomeOf } from '../checks/outcome.ts';
import { evaluateLimits } from '../checks/performance.ts';
import { targetOf } from '../metrics/classes.ts';
import { estimatePerformance } from '../metrics/estimate-performance.ts';
import { measureFairness, presentFairness, type FairnessCheck } from '../metrics/measure-fairness.ts';
import type { MonitorRow } from '../monitor-rows.ts';
import type { MonitoringDependencies } from '../monitoring-dependencies.ts';
import type { QueryRunner } from '../query-runner.ts';
import type { OpenWindow } from './window.ts';

export interface EvaluatedOutputs {
  readonly outcome: CheckOutcome;
  readonly estimate: MonitorEstimate | undefined;
  readonly reference: ScoreReference | undefined;
  readonly fairness: readonly MonitorFairness[];
  readonly notes: readonly string[];
}

export async function evaluateOutputs(
  dependencies: MonitoringDependencies,
  monitor: MonitorRow,
  window: OpenWindow,
  check: EstimateCheck | FairnessCheck,
  runner: QueryRunner,
): Promise<EvaluatedOutputs> {
  const { spec } = monitor;
  const none = { estimate: undefined, reference: undefined, fairness: [], notes: [] };
  const metric = check.type === 'fairness' ? 'demographic_parity_difference' : 'accuracy';
  const unknown = (reason: string) => ({ ...none, outcome: unknownOutcome(check, spec, metric, reason) });
  if (window.rows < spec.minSamples) {
    return unknown(
      window.rows === 0
        ? 'The window has no rows.'
        : `The window has ${countNoun(window.rows, 'row')}, fewer than ${spec.minSamples}.`,
    );
  }
  if (check.type === 'estimatedPerformance') {
    const estimated = await estimatePerformance(dependencies, monitor, window, check, runner);
    if ('unknown' in estimated) return unknown(estimated.unknown);
    const { estimate, made, others } = estimated;
    return {
      ...none,
      outcome: evaluateEstimate(check, spec, estimate),
      estimate,
      reference: made,
      notes:
        others > 0
          ? [
              `The estimate covers ${estimate.model}/${estimate.version} only. It excludes ${countNoun(others, 'row')} of other versions.`,
            ]
          : [],
    };
  }
  const target = targetOf(spec.prediction, window.fields);
  if ('unknown' in target) return unknown(target.unknown);
  if (target.task === 'regression') return unknown(NO_CLASSES);
  const measured = await measureFairness(runner, window.data, {
    check,
    target,
    fields: window.fields,
    label: undefined,
  });
  if ('unknown' in measured) return unknown(measured.unknown);
  return {
    ...none,
    outcome: evaluateFairness(check, spec, measured),
    fairness: presentFairness(nameOfCheck(check), measured),
  };
}

export const NO_CLASSES = 'The model is a regression. Fairness is evaluated for classification only.';

function evaluateEstimate(
  check: EstimateCheck,
  spec: Pick<MonitorSpec, 'severity'>,
  estimate: MonitorEstimate,
): CheckOutcome {
  const about = { check: nameOfCheck(check), type: check.type } as const;
  return outcomeOf(
    check,
    spec,
    estimate.metrics.map((one) =>
      evaluateLimits(check.metrics, about, one, {
        rows: estimate.rows,
        reference: estimate.reference.metrics,
        before: 'in the reference',
      }),
    ),
  );
}
