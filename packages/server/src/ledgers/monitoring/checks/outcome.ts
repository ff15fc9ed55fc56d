/** The outcome of a check for a window. Pure. */
import {
  nameOfCheck,
  type MonitorCheck,
  type MonitorResult,
  type MonitorSpec,
  type CheckStatus,
} from '@dais/api/monitoring';

export interface CheckOutcome {
  readonly name: string;
  readonly type: MonitorCheck['type'];
  readonly severity: MonitorSpec['severity'];
  readonly status: CheckStatus;
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
  over?: { readonly status: CheckStatus; readonly reason?: string | undefined },
): CheckOutcome {
  const bad = results.filter(({ status }) => status === 'failing');
  const unknown = results.filter(({ status }) => status === 'unknown');
  const status =
    over?.status ?? (bad.length > 0 ? 'failing' : unknown.length > 0 || results.length === 0 ? 'unknown' : 'passing');
  const reasons = (status === 'failing' ? bad : unknown).flatMap(({ reason }) => reason ?? []);
  const reason = over?.reason ?? (status === 'passing' ? undefined : sentenceOf(reasons));
  return {
    name: nameOfCheck(check),
    type: check.type,
    severity: check.severity ?? severity,
    status,
    reason,
    results: [...bad, ...unknown, ...results.filter((one) => one.status === 'passing')],
  };
}

/** Returns an outcome without results: the whole check is unknown. */
export function unknownOutcome(check: MonitorCheck, about: About, metric: string, reason: string): CheckOutcome {
  return outcomeOf(check, about, [{ check: nameOfCheck(check), type: check.type, metric, status: 'unknown', reason }]);
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
export function statusOf(outcomes: readonly CheckOutcome[]): {
  readonly status: CheckStatus;
  readonly reason: string | undefined;
} {
  const bad = outcomes.filter(({ status }) => status === 'failing');
  const unknown = outcomes.filter(({ status }) => status === 'unknown');
  const status = bad.length > 0 ? 'failing' : unknown.length > 0 || outcomes.length === 0 ? 'unknown' : 'passing';
  const which = status === 'failing' ? bad : unknown;
  const reason = which.map(({ name, reason: why }) => `${name}: ${why ?? ''}`).join(' ');
  return { status, reason: status === 'passing' ? undefined : reason.slice(0, 2000) };
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
  readonly status: CheckStatus;
  readonly reason: string | undefined;
} {
  const others = before.filter(({ check }) => check !== outcome.name);
  const outcomes = [...outcomesOf(spec, others), outcome];
  const rank = { failing: 0, unknown: 1, passing: 2 } as const;
  const results = [...others, ...outcome.results].toSorted((a, b) => rank[a.status] - rank[b.status]);
  return { results, ...statusOf(outcomes) };
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
      outcomeOf(check, spec, own, whole === undefined ? undefined : { status: whole.status, reason: whole.reason }),
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
