/** What a check says of a window. Pure. */
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
  /** Where it is not `ok`, in a sentence. */
  readonly reason: string | undefined;
  readonly results: readonly MonitorResult[];
}

type About = Pick<MonitorSpec, 'severity'>;

/** Bad where a result is bad; unknown where one could not be told, or there is none. */
export function outcomeOf(
  check: MonitorCheck,
  { severity }: About,
  results: readonly MonitorResult[],
  /** Decides instead of the results. */
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

/** The whole check could not be told. */
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

/** Of all checks: what is bad before what is not known. */
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

/** Numbers in reasons: five digits are enough. */
export function text(value: number): string {
  return Number.isInteger(value) ? String(value) : Number(value.toPrecision(4)).toString();
}

export function percent(share: number): string {
  return `${text(share * 100)} %`;
}
