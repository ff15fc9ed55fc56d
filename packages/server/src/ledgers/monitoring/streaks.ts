/** Converts consecutive outcomes to alerts: failing windows raise one, passing windows resolve it, unknown ones do neither. Pure. */
import type { MonitorVerdict } from '@dais/api/monitoring';
import type { Streak } from './monitor-rows.ts';

export interface StreakStep {
  readonly streak: Streak;
  readonly step: 'raise' | 'stay' | 'resolve' | 'none';
}

export function nextStreak(
  { bad, good }: Streak,
  verdict: MonitorVerdict,
  {
    open,
    raiseAfter,
    resolveAfter,
  }: { readonly open: boolean; readonly raiseAfter: number; readonly resolveAfter: number },
): StreakStep {
  const streak =
    verdict === 'bad' ? { bad: bad + 1, good: 0 } : verdict === 'ok' ? { bad: 0, good: good + 1 } : { bad, good };
  if (open) {
    if (verdict === 'ok' && streak.good >= resolveAfter) return { streak, step: 'resolve' };
    return { streak, step: verdict === 'bad' ? 'stay' : 'none' };
  }
  return { streak, step: verdict === 'bad' && streak.bad >= raiseAfter ? 'raise' : 'none' };
}
