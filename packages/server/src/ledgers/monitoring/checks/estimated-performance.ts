/** Evaluates estimated performance against thresholds. Pure. */
import { nameOfCheck, type MonitorEstimate, type MonitorSpec } from '@dais/api/monitoring';
import type { EstimateCheck } from '../score-reference.ts';
import { outcomeOf, type CheckOutcome } from './outcome.ts';
import { bounded } from './performance.ts';

export function judgeEstimate(
  check: EstimateCheck,
  spec: Pick<MonitorSpec, 'severity'>,
  told: MonitorEstimate,
): CheckOutcome {
  const about = { check: nameOfCheck(check), type: check.type } as const;
  return outcomeOf(
    check,
    spec,
    told.metrics.map((one) =>
      bounded(check.metrics, about, one, {
        rows: told.rows,
        reference: told.reference.metrics,
        before: 'in the reference',
      }),
    ),
  );
}
