/** Monitoring: what monitors found of predictions and data, whom they told, and what was started because of it. */
import type { OperationEntry } from '#kernel/dispatch.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import { monitorHandler, tickHandler } from './evaluate-job.ts';
import { readMonitoringFigures, type MonitoringFigures } from './monitoring-gauges.ts';
import { monitoringEntries } from './monitoring-entries.ts';
import type { MonitoringParts } from './monitoring-parts.ts';

export { enqueueMonitor } from './evaluate-job.ts';
export { readSummaries } from './history.ts';
export { admitMonitor, forgetMonitoring } from './monitor-rows.ts';
export { monitoringSlice } from './monitoring-slice.ts';
export type { MonitoringParts } from './monitoring-parts.ts';

export interface MonitoringLedger {
  readonly entries: readonly OperationEntry[];
  readonly jobs: readonly JobHandler[];
  /** For `/metrics`. @throws when the database does not answer. */
  readonly figures: () => Promise<MonitoringFigures>;
}

export function monitoringLedger(parts: MonitoringParts): MonitoringLedger {
  return {
    entries: monitoringEntries(parts),
    jobs: [tickHandler(), monitorHandler(parts)],
    figures: async () => await readMonitoringFigures(parts.database),
  };
}
