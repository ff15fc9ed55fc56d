/** The tracking ledger: experiments, runs, and their logged data, artifacts, models and traces. */
import type { OperationEntry } from '#kernel/entry.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import type { LedgerDefinition } from '#ledgers/ledger.ts';
import { nameUploadOwners } from './artifacts/transfers/upload-rows.ts';
import { evaluationDatasetEntries } from './evaluation/evaluation-datasets.ts';
import { transferRetention } from './artifacts/transfers/transfer-retention.ts';
import { experimentEntries } from './experiments/experiments.ts';
import type { GarbageDependencies } from './garbage/collect-garbage.ts';
import { garbageEntries, garbageJob } from './garbage/garbage-job.ts';
import { importEntries } from './imports/import-entries.ts';
import { loggedModelEntries } from './logged-models/logged-models.ts';
import { compactionHandler, compactionSweepHandler } from './metrics/compaction.ts';
import { metricEntries } from './metrics/metric-entries.ts';
import { loggedModelNodes, runNodes } from './lineage-nodes.ts';
import type { TrackingDependencies } from './dependencies.ts';
import type { KnownHomes } from './experiments/experiment-lookup.ts';
import { RowCache } from './row-cache.ts';
import { createProjectRecords, removeProjectRecords } from './experiments/project-records.ts';
import { logEntries } from './runs/run-log.ts';
import { linkEntries } from './runs/run-links.ts';
import { messageEntries } from './runs/run-messages.ts';
import { runEntries } from './runs/runs.ts';
import { labelSchemaEntries } from './evaluation/label-schemas.ts';
import { reviewQueueEntries } from './evaluation/review-queues.ts';
import { issueEntries } from './evaluation/issues.ts';
import { onlineScoringEntries } from './evaluation/online-scoring.ts';
import { scorerEntries } from './evaluation/scorers.ts';
import { searchEntries } from './search/search-entries.ts';
import { traceRetention } from './traces/trace-delete.ts';
import { traceEntries } from './traces/trace-entries.ts';
import { trackingSlice } from './tracking-slice.ts';

export { artifactEntries } from './artifacts/artifact-entries.ts';
export type { ArtifactDependencies } from './artifacts/artifact-dependencies.ts';
export { loggedModelHome, runHome } from './artifacts/artifact-homes.ts';
export { loggedModelNodes, runNodes } from './lineage-nodes.ts';
export { createProjectRecords, removeProjectRecords } from './experiments/project-records.ts';
export { stepRuns, type StepRuns } from './runs/step-runs.ts';
export { commentedRun, commentedRuns } from './runs/run-subject.ts';
export type { TraceConventions } from './traces/trace-conventions.ts';
export { trackingSlice } from './tracking-slice.ts';
export type { TrackingDependencies } from './dependencies.ts';

const NOTHING_HELD = { runs: new Set<string>(), loggedModels: new Set<string>() };

export interface TrackingLedger {
  readonly entries: readonly OperationEntry[];
  readonly jobs: readonly JobHandler[];
}

/** Default configuration. */
const DELETED_DAYS = 30;

export function trackingLedger(dependencies: TrackingDependencies): TrackingLedger {
  const { options, clock, deletedDays = 0, heldBy = async () => await Promise.resolve(NOTHING_HELD) } = dependencies;
  const garbage: GarbageDependencies = { options, heldBy };
  const homes: KnownHomes = new RowCache();
  return {
    entries: [
      ...experimentEntries(dependencies),
      ...runEntries(dependencies, homes),
      ...logEntries(dependencies),
      ...linkEntries(dependencies),
      ...messageEntries(),
      ...metricEntries(),
      ...loggedModelEntries(dependencies),
      ...evaluationDatasetEntries(dependencies),
      ...issueEntries(dependencies),
      ...reviewQueueEntries(dependencies),
      ...labelSchemaEntries(dependencies),
      ...scorerEntries(dependencies),
      ...onlineScoringEntries(dependencies),
      ...searchEntries(dependencies.options, homes),
      ...(dependencies.options.traces === undefined
        ? []
        : traceEntries({ ...dependencies, conventions: dependencies.options.traces })),
      ...importEntries(dependencies),
      ...garbageEntries(garbage, deletedDays === 0 ? DELETED_DAYS : deletedDays, clock),
    ],
    jobs: [
      compactionHandler(),
      compactionSweepHandler(),
      traceRetention(dependencies.traceDays ?? 0, dependencies),
      transferRetention(),
      garbageJob(garbage, deletedDays, clock),
    ],
  };
}

export const ledger: LedgerDefinition<TrackingDependencies, TrackingLedger> = {
  name: 'tracking',
  slice: trackingSlice,
  project: { create: createProjectRecords, remove: removeProjectRecords },
  nameOwners: nameUploadOwners,
  lineageNodes: [runNodes, loggedModelNodes],
  open: trackingLedger,
};
