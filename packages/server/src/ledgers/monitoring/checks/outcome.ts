/** The outcome of a check for a window. Pure. */
import {
  nameOfCheck,
  type MonitorCheck,
  type MonitorResult,
  type MonitorSpec,
  type MonitorVerdict,
} from '@dais/api/monitoring';

export interface CheckOutcome {
  readonly name: string;
  readonly type: MonitorCheck['type'];
  readonly severity: MonitorSpec['severity'];
  readonly verdict: MonitorVerdict;
  /** The reason, if the check does not pass. */
  readonly reason: string | undefined;
  readonly results: readonly MonitorResult[];
}

type About = Pick<MonitorSpec, 'severity'>;

/** Returns the outcome of a check: failing if one result fails, else unknown if one is unknown or there is none. */
export function outcomeOf(
  check: MonitorCheck,
  { severity }: About,
  results: readonly MonitorResult[],
  /** Replaces the outcome of the results. */
  over?: { readonly verdict: MonitorVerdict; readonly reason?: string | undefined },
): CheckOutcome {
  const bad = results.filter(({ verdict }) => verdict === 'bad');
  const unknown = results.filter(({ verdict }) => verdict === 'unknown');
  const verdict =
    over?.verdict ?? (bad.length > 0 ? 'bad' : unknown.length > 0 || results.length === 0 ? 'unknown' : 'ok');
  const reasons = (verdict === 'bad' ? bad : unknown).flatMap(({ reason }) => reason ?? []);
  const reason = over?.reason ?? (verdict === 'ok' ? undefined : sentenceOf(reasons));
  return {
    name: nameOfCheck(check),
    type: check.type,
    severity: check.severity ?? severity,
    verdict,
    reason,
    results: [...bad, ...unknown, ...results.filter((one) => one.verdict === 'ok')],
  };
}

/** Returns an outcome without results: the whole check is unknown. */
export function unknownOutcome(check: MonitorCheck, about: About, metric: string, reason: string): CheckOutcome {
  return outcomeOf(check, about, [{ check: nameOfCheck(check), type: check.type, metric, verdict: 'unknown', reason }]);
}

const SHOWN = 4;

function sentenceOf(reasons: readonly string[]): string {
  const [first, ...rest] = [...new Set(reasons)];
  if (first === undefined) return 'There was nothing to evaluate.';
  const shown = [first, ...rest.slice(0, SHOWN - 1)];
  const left = rest.length - shown.length + 1;
  return `${shown.join(' ')}${left > 0 ? ` And ${left} more.` : ''}`;
}

/** Combines the outcomes of all checks. A failing check takes precedence over an unknown one. */
export function verdictOf(outcomes: readonly CheckOutcome[]): {
  readonly verdict: MonitorVerdict;
  readonly reason: string | undefined;
} {
  const bad = outcomes.filter(({ verdict }) => verdict === 'bad');
  const unknown = outcomes.filter(({ verdict }) => verdict === 'unknown');
  const verdict = bad.length > 0 ? 'bad' : unknown.length > 0 || outcomes.length === 0 ? 'unknown' : 'ok';
  const which = verdict === 'bad' ? bad : unknown;
  const reason = which.map(({ name, reason: why }) => `${name}: ${why ?? ''}`).join(' ');
  return { verdict, reason: verdict === 'ok' ? undefined : reason.slice(0, 2000) };
}

/** Formats a number in a reason with four significant digits. */
export function text(value: number): string {
  return Number.isInteger(value) ? String(value) : Number(value.toPrecision(4)).toString();
}

export function percent(share: number): string {
  return `${text(share * 100)} %`;
}

export function replaceOutcome(
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
  const outcomes = spec.checks.flatMap((check) => {
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
    ? outcomes
    : [
        ...outcomes,
        { ...outcomeOf({ type: 'quality', name: 'data', nulls: 0, newCategories: 0, outOfRange: 0 }, spec, data) },
      ];
}
