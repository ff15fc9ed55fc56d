/** Monitoring: results of monitors on predictions and data, their alerts, and pipelines that alerts start. */
import type { OperationEntry } from '#kernel/entry.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import type { GaugeSample, LedgerDefinition, ProcessWork } from '#ledgers/ledger.ts';
import { monitorHandler, monitorSchedule } from './windows/evaluate-job.ts';
import { forgetMonitoring } from './monitor-rows.ts';
import { readMonitoringGauges } from './monitoring-gauges.ts';
import { monitoringEntries } from './monitoring-entries.ts';
import type { MonitoringDependencies } from './monitoring-dependencies.ts';
import { monitoringSlice } from './monitoring-slice.ts';

export { enqueueMonitor } from './windows/evaluate-job.ts';
export { readSummaries } from './reports/history.ts';
export { admitMonitor } from './monitor-rows.ts';
export { monitoringSlice } from './monitoring-slice.ts';
export type { MonitoringDependencies } from './monitoring-dependencies.ts';

export interface MonitoringLedger {
  readonly entries: readonly OperationEntry[];
  readonly jobs: readonly JobHandler[];
  readonly metrics: () => Promise<readonly GaugeSample[]>;
  readonly start: (work: ProcessWork) => Promise<void>;
  readonly stop: () => Promise<void>;
}

function monitoringLedger(dependencies: MonitoringDependencies): MonitoringLedger {
  const schedule = monitorSchedule(dependencies);
  return {
    entries: monitoringEntries(dependencies),
    jobs: [monitorHandler(dependencies)],
    metrics: async () => await readMonitoringGauges(dependencies.database),
    start: async ({ controller }) => {
      if (controller) await schedule.start();
    },
    stop: async () => await schedule.stop(),
  };
}

export const ledger: LedgerDefinition<MonitoringDependencies, MonitoringLedger> = {
  name: 'monitoring',
  slice: monitoringSlice,
  project: { remove: async (tx, { id }) => await forgetMonitoring(tx, id) },
  open: monitoringLedger,
};
