/** Evaluates the burn rate of an error budget. Pure. */
import { nameOfCheck, type MonitorCheck, type MonitorResult, type MonitorSpec } from '@dais/api/monitoring';
import type { RequestMetrics } from '../windows/window.ts';
import { outcomeOf, percent, text, unknownOutcome, type CheckOutcome } from './outcome.ts';

/** Requests of a window, and how many of them violate the objective. */
export interface SloSums {
  readonly requests: number;
  readonly failed: number;
}

type SloCheck = Extract<MonitorCheck, { type: 'slo' }>;

export function sumsOf(check: SloCheck, requests: RequestMetrics): SloSums {
  const slow = check.latencyMs === undefined ? 0 : (requests.slow.get(check.latencyMs) ?? 0);
  return { requests: requests.requests, failed: requests.failed + slow };
}

/** Evaluates an objective. `before`: sums of earlier windows, newest first. */
export function evaluateSlo(
  check: SloCheck,
  {
    spec,
    requests,
    before,
  }: {
    readonly spec: Pick<MonitorSpec, 'severity'>;
    readonly requests: RequestMetrics | undefined;
    readonly before: readonly SloSums[];
  },
): CheckOutcome {
  if (requests === undefined || requests.requests === 0) {
    return unknownOutcome(check, spec, 'burn_rate', 'The window has no requests.');
  }
  const about = { check: nameOfCheck(check), type: check.type } as const;
  const now = sumsOf(check, requests);
  const budget = 1 - check.objective;
  const results: MonitorResult[] = check.burn.map(({ windows, factor }) => {
    const long = [now, ...before].slice(0, windows);
    const value = burnOf(long, budget);
    // The newest window must burn too: a burn that has ended does not alert.
    const bad = value > factor && burnOf([now], budget) > factor;
    const named = { ...about, metric: 'burn_rate', segment: windows === 1 ? 'this window' : `${windows} windows` };
    const total = long.reduce((sum, one) => sum + one.requests, 0);
    const reason = `${percent(shareOf(long))} of ${total} requests in ${named.segment} failed${check.latencyMs === undefined ? '' : ` or took longer than ${text(check.latencyMs)} ms`}: the error budget of ${percent(budget)} burns at ${text(value)} times the allowed rate, threshold ${text(factor)}.`;
    return {
      ...named,
      value,
      threshold: factor,
      rows: total,
      status: bad ? 'failing' : 'passing',
      ...(bad && { reason }),
    };
  });
  const figures = [
    ['p50_ms', requests.p50Ms],
    ['p95_ms', requests.p95Ms],
    ['p99_ms', requests.p99Ms],
    ['bad_share', shareOf([now])],
  ] as const;
  for (const [metric, value] of figures) {
    if (value !== undefined) results.push({ ...about, metric, value, rows: now.requests, status: 'passing' });
  }
  return outcomeOf(check, spec, results);
}

function shareOf(sums: readonly SloSums[]): number {
  const requests = sums.reduce((total, one) => total + one.requests, 0);
  const bad = sums.reduce((total, one) => total + one.failed, 0);
  return requests === 0 ? 0 : bad / requests;
}

function burnOf(sums: readonly SloSums[], budget: number): number {
  return shareOf(sums) / budget;
}
