/** Model jobs: long-running work on model versions in the background. */
import type { OperationEntry } from '#kernel/entry.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import type { LedgerDefinition } from '#ledgers/ledger.ts';
import { nameModelJobOwners } from './job-content.ts';
import { RowsExplainer } from './explain/explain-rows.ts';
import { modelJobHandler } from './job-handler.ts';
import { modelJobEntries } from './model-job-entries.ts';
import type { ModelJobsParts } from './model-jobs-parts.ts';
import { modelJobsSlice } from './model-jobs-slice.ts';
import { deleteModelJobs, modelJobRetention } from './retention.ts';

export type { RowsExplainer, RowsToExplain, VersionToExplain } from './explain/explain-rows.ts';
export type { HostedModel, HostModel } from './hosted-model.ts';
export type { ModelJobsParts } from './model-jobs-parts.ts';

export interface ModelJobsLedger {
  readonly entries: readonly OperationEntry[];
  readonly jobs: readonly JobHandler[];
  /** For ledgers that read feature importances. */
  readonly explainer: RowsExplainer;
}

function modelJobsLedger(parts: ModelJobsParts): ModelJobsLedger {
  return {
    entries: modelJobEntries(parts),
    jobs: [modelJobHandler(parts), modelJobRetention(parts)],
    explainer: new RowsExplainer(parts),
  };
}

export const ledger: LedgerDefinition<ModelJobsParts, ModelJobsLedger> = {
  name: 'model-jobs',
  slice: modelJobsSlice,
  project: { remove: async (tx, { id }) => await deleteModelJobs(tx, id) },
  nameOwners: nameModelJobOwners,
  open: modelJobsLedger,
};
