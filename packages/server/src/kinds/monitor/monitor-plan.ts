import type { MonitorSummary } from '@dais/api/monitoring';
import type { ControllerPlan, PlannedCondition } from '#kernel/kind.ts';

/** Pure: computes the status of a monitor from its findings. Has no effects. */
export function planMonitor(summary: MonitorSummary | undefined): ControllerPlan<never> {
  if (summary === undefined) return { effects: [], conditions: [] };
  const { state, reason, baseline, windows, openAlerts, recent, suspended } = summary;
  const last = recent.at(-1);
  return {
    effects: [],
    conditions: [{ type: 'Healthy', ...healthy(summary) }],
    status: {
      state,
      reason: suspended ? 'The monitor is suspended.' : reason,
      baseline,
      windows,
      openAlerts,
      lastWindow: last === undefined ? undefined : new Date(last.until).toISOString(),
    },
  };
}

function healthy({ state, reason, suspended }: MonitorSummary): Omit<PlannedCondition, 'type'> {
  if (suspended) return { status: 'Unknown', reason: 'Suspended', message: 'The monitor is suspended.' };
  switch (state) {
    case 'passing':
      return { status: 'True', reason: 'Good', message: 'The latest window is passing.' };
    case 'failing':
      return { status: 'False', reason: 'Bad', message: reason ?? 'The latest window is failing.' };
    case 'unknown':
      return { status: 'Unknown', reason: 'NotKnown', message: reason ?? 'The latest window could not be evaluated.' };
    default:
      return { status: 'Unknown', reason: 'Waiting', message: 'No window has completed yet.' };
  }
}
