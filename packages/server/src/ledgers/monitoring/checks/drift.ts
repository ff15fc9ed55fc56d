/** Evaluates whether columns are distributed as in the baseline. Pure. */
import { countNoun } from '@dais/api';
import {
  nameOfCheck,
  type Correction,
  type MonitorCheck,
  type MonitorResult,
  type MonitorSpec,
} from '@dais/api/monitoring';
import { driftOf, isTest } from '#lib/statistics/drift.ts';
import { adjustPValues } from '#lib/statistics/multiple-testing.ts';
import type { Field } from '../metrics/fields.ts';
import { absent, chosen, isChosen, type ComparedField } from './compared-fields.ts';
import { outcomeOf, percent, text, unknownOutcome, type CheckOutcome } from './outcome.ts';

type DriftCheck = Extract<MonitorCheck, { type: 'drift' | 'predictionDrift' | 'skew' }>;

export interface DriftFacts {
  readonly spec: Pick<MonitorSpec, 'severity' | 'correction' | 'minSamples'>;
  readonly rows: number;
  readonly fields: readonly ComparedField[];
  /** The name of the baseline. */
  readonly against: string;
  /** Why there is no baseline. */
  readonly unknown: string | undefined;
  /** Inputs and outputs of earlier windows that this window does not contain. */
  readonly lost: readonly Pick<Field, 'side' | 'name'>[];
}

export function evaluateDrift(
  check: DriftCheck,
  { spec, rows, fields, against, unknown, lost }: DriftFacts,
): CheckOutcome {
  const metric = check.method === 'auto' ? 'drift' : check.method;
  if (unknown !== undefined) return unknownOutcome(check, spec, metric, unknown);
  if (rows === 0) return unknownOutcome(check, spec, metric, 'The window has no rows.');
  if (rows < spec.minSamples) {
    return unknownOutcome(
      check,
      spec,
      metric,
      `The window has ${countNoun(rows, 'row')}, fewer than ${spec.minSamples}.`,
    );
  }
  const about = { check: nameOfCheck(check), type: check.type } as const;
  const columns = check.type === 'predictionDrift' ? [] : check.columns;
  const some =
    check.type === 'predictionDrift' ? fields.filter(({ field }) => field.side === 'output') : chosen(fields, check);
  const side = check.type === 'predictionDrift' ? 'output' : 'input';
  const lostHere = lost.filter(
    (field) => field.side === side && (check.type === 'predictionDrift' || isChosen(field, check)),
  );
  const names = new Set([...absent(fields, columns), ...lostHere.map(({ name }) => name)]);
  const missing = [...names].map((column): MonitorResult => {
    return { ...about, metric, column, status: 'unknown', reason: `${column} is not in the window.` };
  });
  // A column that the baseline does not contain is skipped, unless the check names it.
  const compared = some.filter(
    ({ field, baseline }) => field.family !== 'other' && (baseline !== undefined || columns !== undefined),
  );
  if (compared.length === 0 && missing.length === 0) {
    return unknownOutcome(check, spec, metric, `No column of the window is in ${against}.`);
  }
  const results = correct(
    compared.map((one) => resultOf(check, about, one, against)),
    spec.correction,
  );
  return withShare(check, spec, [...results, ...missing]);
}

function resultOf(
  check: DriftCheck,
  about: Pick<MonitorResult, 'check' | 'type'>,
  { field, current, baseline }: ComparedField,
  against: string,
): MonitorResult {
  const named = { ...about, column: field.name, rows: current.count };
  const metric = check.method === 'auto' ? 'drift' : check.method;
  if (baseline === undefined) {
    return { ...named, metric, status: 'unknown', reason: `${field.name} is not in ${against}.` };
  }
  const drift = driftOf(baseline.summary, current, {
    ...(check.method !== 'auto' && { method: check.method }),
    ...(check.threshold !== undefined && check.method !== 'auto' && { threshold: check.threshold }),
  });
  if (drift.method === undefined) {
    return { ...named, metric, status: 'unknown', reason: `${field.name}: ${drift.reason}.` };
  }
  const { method, value, pValue } = drift;
  const threshold = check.threshold ?? drift.threshold;
  if (threshold === undefined) {
    return { ...named, metric: method, value, status: 'unknown', reason: `${method} has no threshold.` };
  }
  const bad = isTest(method) ? (pValue ?? 1) < threshold : value >= threshold;
  return {
    ...named,
    metric: method,
    value,
    threshold,
    ...(pValue !== undefined && { pValue }),
    status: bad ? 'failing' : 'passing',
    ...(bad && { reason: reasonOf(field.name, method, { value, threshold, pValue }) }),
  };
}

function reasonOf(
  column: string,
  method: string,
  {
    value,
    threshold,
    pValue,
  }: { readonly value: number; readonly threshold: number; readonly pValue: number | undefined },
): string {
  return pValue === undefined
    ? `${column} drifts: ${method} is ${text(value)}, threshold ${text(threshold)}.`
    : `${column} drifts: ${method} is ${text(value)}, p-value ${text(pValue)}, threshold ${text(threshold)}.`;
}

/** Corrects for multiple testing: of many p-values some are small by chance. */
function correct(results: readonly MonitorResult[], correction: Correction): readonly MonitorResult[] {
  const tested = results.filter(({ pValue }) => pValue !== undefined);
  const adjusted = adjustPValues(
    tested.map(({ pValue }) => pValue ?? 1),
    correction,
  );
  const byResult = new Map(tested.map((one, at) => [one, adjusted[at] ?? 1]));
  return results.map((one) => {
    const pValue = byResult.get(one);
    if (pValue === undefined || one.threshold === undefined) return one;
    const { reason: _, ...rest } = one;
    const bad = pValue < one.threshold;
    const result = { value: one.value ?? 0, threshold: one.threshold, pValue };
    return {
      ...rest,
      pValue,
      status: bad ? ('failing' as const) : ('passing' as const),
      ...(bad && { reason: reasonOf(one.column ?? '', one.metric, result) }),
    };
  });
}

function withShare(check: DriftCheck, spec: DriftFacts['spec'], results: readonly MonitorResult[]): CheckOutcome {
  const ordered = results.toSorted((a, b) => excess(b) - excess(a));
  if (check.type !== 'drift' || check.share === 0) return outcomeOf(check, spec, ordered);
  const known = results.filter(({ status }) => status !== 'unknown');
  const bad = known.filter(({ status }) => status === 'failing');
  if (known.length === 0) return outcomeOf(check, spec, ordered);
  const share = bad.length / known.length;
  const status = share > check.share ? 'failing' : known.length < results.length ? 'unknown' : 'passing';
  const reason =
    status === 'failing'
      ? `${bad.length} of ${known.length} columns drift, more than ${percent(check.share)}: ${bad
          .flatMap(({ column }) => column ?? [])
          .slice(0, 10)
          .join(', ')}.`
      : undefined;
  const whole: MonitorResult = {
    check: nameOfCheck(check),
    type: check.type,
    metric: 'drifted_share',
    value: share,
    threshold: check.share,
    status: share > check.share ? 'failing' : 'passing',
    ...(reason !== undefined && { reason }),
  };
  return outcomeOf(check, spec, [whole, ...ordered], status === 'unknown' ? undefined : { status, reason });
}

/** Returns the distance from the threshold, for sorting by severity. */
function excess({ value = 0, threshold = 1, pValue }: MonitorResult): number {
  if (threshold === 0) return value;
  return pValue === undefined ? value / threshold : threshold / Math.max(pValue, 1e-12);
}
