/** Evaluates fairness metrics against thresholds. Pure. */
import { nameOfCheck, type MonitorResult, type MonitorSpec } from '@dais/api/monitoring';
import type { FairnessCheck, MeasuredFairness } from '../metrics/measure-fairness.ts';
import { outcomeOf, text, type CheckOutcome } from './outcome.ts';

/** Without `labeled`, metrics that need ground truth are unknown. */
export function evaluateFairness(
  check: FairnessCheck,
  spec: Pick<MonitorSpec, 'severity'>,
  measured: readonly MeasuredFairness[],
): CheckOutcome {
  return outcomeOf(
    check,
    spec,
    measured.flatMap((one) => judgeColumn(check, one)),
  );
}

function judgeColumn(check: FairnessCheck, measured: MeasuredFairness): MonitorResult[] {
  const { column, metrics, counts, privileged } = measured;
  const rows = counts.reduce((sum, group) => sum + group.rows, 0);
  const about = { check: nameOfCheck(check), type: check.type, column, rows } as const;
  if (metrics === undefined) {
    const reason = `There is no input ${column} in the window.`;
    return [{ ...about, metric: 'demographic_parity_difference', status: 'unknown', reason }];
  }
  const small = metrics.small.filter(({ of }) => of === 'rows').map(({ group, count }) => `${group} (${count})`);
  const few = `Fewer than two groups of ${column} have ${check.minRows} rows${small.length === 0 ? '' : `; too small: ${small.slice(0, 5).join(', ')}`}.`;
  return [
    parityResult(check, about, metrics.demographicParity, few),
    impactResult(check, about, metrics.disparateImpact, { privileged, few, parity: metrics.demographicParity }),
    ...oddsResult(check, about, measured),
  ];
}

type About = Pick<MonitorResult, 'check' | 'type' | 'column' | 'rows'>;
type FairnessMetrics = NonNullable<MeasuredFairness['metrics']>;

function parityResult(
  { demographicParity: threshold }: FairnessCheck,
  about: About,
  gap: FairnessMetrics['demographicParity'],
  few: string,
): MonitorResult {
  const named = { ...about, metric: 'demographic_parity_difference', ...(threshold !== undefined && { threshold }) };
  if (gap === undefined) return { ...named, status: 'unknown', reason: few };
  const { difference: value, largest, smallest } = gap;
  if (threshold === undefined || value <= threshold) return { ...named, value, status: 'passing' };
  const reason = `The positive prediction rate of ${largest} (${about.column}) exceeds that of ${smallest} by ${text(value)}, threshold ${text(threshold)}.`;
  return { ...named, value, status: 'failing', reason };
}

/** Returns the result of the group whose ratio differs most from 1. */
function impactResult(
  { disparateImpact: threshold }: FairnessCheck,
  about: About,
  impact: FairnessMetrics['disparateImpact'],
  {
    privileged,
    few,
    parity,
  }: {
    readonly privileged: string | undefined;
    readonly few: string;
    readonly parity: FairnessMetrics['demographicParity'];
  },
): MonitorResult {
  const named = { ...about, metric: 'disparate_impact_ratio', threshold };
  const [worst] = Object.entries(impact ?? {}).toSorted(([, a], [, b]) => evenness(a) - evenness(b));
  if (worst === undefined) {
    const none = `Group ${privileged} of ${about.column} has too few rows or no positive predictions. Other groups cannot be compared with it.`;
    return { ...named, status: 'unknown', reason: parity === undefined ? few : none };
  }
  const [group, value] = worst;
  if (evenness(value) >= threshold) return { ...named, value, status: 'passing' };
  const than = value < 1 ? `below ${text(threshold)}` : `above ${text(1 / threshold)}`;
  const reason = `The positive prediction rate of ${group} (${about.column}) is ${text(value)} times that of ${privileged}, ${than}.`;
  return { ...named, value, status: 'failing', reason };
}

function evenness(ratio: number): number {
  return ratio > 1 ? 1 / ratio : ratio;
}

function oddsResult(
  { equalizedOdds: threshold, minRows }: FairnessCheck,
  about: About,
  { metrics, labeled, column }: MeasuredFairness,
): MonitorResult[] {
  const named = {
    ...about,
    rows: labeled,
    metric: 'equalized_odds_difference',
    ...(threshold !== undefined && { threshold }),
  };
  const value = metrics?.equalizedOdds?.difference;
  if (value === undefined) {
    if (threshold === undefined) return [];
    const reason =
      labeled === 0
        ? 'No prediction has ground truth yet.'
        : `Fewer than two groups of ${column} have ${minRows} labeled rows of each class.`;
    return [{ ...named, status: 'unknown', reason }];
  }
  if (threshold === undefined || value <= threshold) return [{ ...named, value, status: 'passing' }];
  const reason = `True or false positive rates differ by ${text(value)} between groups of ${column}, threshold ${text(threshold)}.`;
  return [{ ...named, value, status: 'failing', reason }];
}
