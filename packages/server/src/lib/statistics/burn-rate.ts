/**
 * How fast a service uses up its error budget (Google, “The Site Reliability Workbook”, 2018, chapter 5, “Multiwindow, multi-burn-rate
 * alerts”).
 */

/** What happened in a stretch of time; stretches do not overlap. */
export interface ServicePeriod {
  /** Milliseconds since 1970, when it ended. */
  readonly end: number;
  readonly total: number;
  /** Failed or too slow requests. */
  readonly bad: number;
}

export interface BurnRule {
  /** Fires where both windows burn at least this fast; 1 uses up the budget exactly by the end of the period. */
  readonly rate: number;
  readonly longMs: number;
  /** So that it ends soon after the burning does. */
  readonly shortMs: number;
  readonly severity: 'page' | 'ticket';
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** For a period of 30 days: 2 % of the budget in one hour, 5 % in six, 10 % in three days (table 5-8). */
export const BURN_RULES: readonly BurnRule[] = [
  { rate: 14.4, longMs: HOUR, shortMs: 5 * MINUTE, severity: 'page' },
  { rate: 6, longMs: 6 * HOUR, shortMs: 30 * MINUTE, severity: 'page' },
  { rate: 1, longMs: 72 * HOUR, shortMs: 6 * HOUR, severity: 'ticket' },
];

/**
 * (bad / total) / (1 − objective); undefined without requests. `objective` is the required share of good requests, for
 * example 0.999.
 * @throws RangeError if it is not between 0 and 1: an objective of 1 has no error budget
 */
export function burnRate({ total, bad }: Pick<ServicePeriod, 'total' | 'bad'>, objective: number): number | undefined {
  if (!(objective > 0 && objective < 1)) throw new RangeError(`an objective is between 0 and 1, not ${objective}`);
  return total === 0 ? undefined : bad / total / (1 - objective);
}

export interface BurnResult {
  readonly rule: BurnRule;
  /** Undefined: no requests in that window. */
  readonly long: number | undefined;
  readonly short: number | undefined;
  readonly fires: boolean;
}

/**
 * Returns the result of each rule at `now`. A window contains the periods that end in (now − window, now]; later ones
 * are not counted.
 */
export function burnResults(
  stretches: readonly ServicePeriod[],
  {
    objective,
    now,
    rules = BURN_RULES,
  }: {
    readonly objective: number;
    readonly now: number;
    readonly rules?: readonly BurnRule[];
  },
): readonly BurnResult[] {
  const rateOver = (windowMs: number) => burnRate(sumOver(stretches, now, windowMs), objective);
  return rules.map((rule) => {
    const [long, short] = [rateOver(rule.longMs), rateOver(rule.shortMs)];
    return { rule, long, short, fires: (long ?? 0) >= rule.rate && (short ?? 0) >= rule.rate };
  });
}

/** The share of the budget of the last `periodMs` (default 30 days) that is left; below 0 where it is overdrawn. 1 without requests. */
export function budgetLeft(
  stretches: readonly ServicePeriod[],
  {
    objective,
    now,
    periodMs = 720 * HOUR,
  }: {
    readonly objective: number;
    readonly now: number;
    readonly periodMs?: number;
  },
): number {
  return 1 - (burnRate(sumOver(stretches, now, periodMs), objective) ?? 0);
}

function sumOver(stretches: readonly ServicePeriod[], now: number, windowMs: number) {
  let [total, bad] = [0, 0];
  for (const one of stretches) {
    if (one.end <= now - windowMs || one.end > now) continue;
    total += one.total;
    bad += one.bad;
  }
  return { total, bad };
}
