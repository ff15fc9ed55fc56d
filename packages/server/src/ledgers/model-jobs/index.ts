/** Model jobs: long-running work on model versions in the background. */
import type { OperationEntry } from '#kernel/entry.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import type { LedgerDefinition } from '#ledgers/ledger.ts';
import { nameModelJobOwners } from './job-content.ts';
import { RowsExplainer } from './explain/explain-rows.ts';
import { modelJobHandler } from './job-handler.ts';
import { modelJobEntries } from './model-job-entries.ts';
import type { ModelJobsDependencies } from './model-jobs-dependencies.ts';
import { modelJobsSlice } from './model-jobs-slice.ts';
import { deleteModelJobs, modelJobRetention } from './retention.ts';

export type { RowsExplainer, RowsToExplain, VersionToExplain } from './explain/explain-rows.ts';
export type { HostedModel, HostModel } from './hosted-model.ts';
export type { ModelJobsDependencies } from './model-jobs-dependencies.ts';

export interface ModelJobsLedger {
  readonly entries: readonly OperationEntry[];
  readonly jobs: readonly JobHandler[];
  /** For ledgers that read feature importances. */
  readonly explainer: RowsExplainer;
}

function modelJobsLedger(dependencies: ModelJobsDependencies): ModelJobsLedger {
  return {
    entries: modelJobEntries(dependencies),
    jobs: [modelJobHandler(dependencies), modelJobRetention(dependencies)],
    explainer: new RowsExplainer(dependencies),
  };
}

export const ledger: LedgerDefinition<ModelJobsDependencies, ModelJobsLedger> = {
  name: 'model-jobs',
  slice: modelJobsSlice,
  project: { remove: async (tx, { id }) => await deleteModelJobs(tx, id) },
  nameOwners: nameModelJobOwners,
  open: modelJobsLedger,
};
