/** Replaces the results of one check in the results of a window. Pure. */
import { nameOfCheck, type MonitorResult, type MonitorSpec, type MonitorVerdict } from '@dais/api/monitoring';
import { outcomeOf, verdictOf, type CheckOutcome } from './checks/outcome.ts';

export function restate(
  spec: Pick<MonitorSpec, 'checks' | 'severity'>,
  before: readonly MonitorResult[],
  outcome: CheckOutcome,
): {
  readonly results: readonly MonitorResult[];
  readonly verdict: MonitorVerdict;
  readonly reason: string | undefined;
} {
  const others = before.filter(({ check }) => check !== outcome.name);
  const outcomes = [...outcomesOf(spec, others), outcome];
  const rank = { bad: 0, unknown: 1, ok: 2 } as const;
  const results = [...others, ...outcome.results].toSorted((a, b) => rank[a.verdict] - rank[b.verdict]);
  return { results, ...verdictOf(outcomes) };
}

/** Returns the outcome of each check, from its results. */
export function outcomesOf(
  spec: Pick<MonitorSpec, 'checks' | 'severity'>,
  results: readonly MonitorResult[],
): readonly CheckOutcome[] {
  const told = spec.checks.flatMap((check) => {
    const own = results.filter((one) => one.check === nameOfCheck(check));
    // The check is newer than the window.
    if (own.length === 0) return [];
    const whole = own.find(({ metric }) => metric === 'drifted_share');
    return [
      outcomeOf(check, spec, own, whole === undefined ? undefined : { verdict: whole.verdict, reason: whole.reason }),
    ];
  });
  // Problems with the data of the window do not change.
  const data = results.filter(({ check }) => check === 'data');
  return data.length === 0
    ? told
    : [
        ...told,
        { ...outcomeOf({ type: 'quality', name: 'data', nulls: 0, newCategories: 0, outOfRange: 0 }, spec, data) },
      ];
}
