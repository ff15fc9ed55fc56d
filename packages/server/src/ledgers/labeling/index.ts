/** The labeling ledger: annotations, reviews, and publication as datasets. */
import type { OperationEntry } from '#kernel/entry.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { LedgerDefinition } from '#ledgers/ledger.ts';
import { labelsEntries } from './labels-entries.ts';
import type { LabelsDependencies } from './labels-dependencies.ts';
import { labelsSlice } from './labels-slice.ts';
import { publishHandler } from './publish.ts';

export { labelsSlice } from './labels-slice.ts';
export type { LabelsDependencies } from './labels-dependencies.ts';

export interface LabelsLedger {
  readonly entries: readonly OperationEntry[];
  readonly jobs: readonly JobHandler[];
}

function labelsLedger(dependencies: LabelsDependencies): LabelsLedger {
  return { entries: labelsEntries(dependencies), jobs: [publishHandler(dependencies)] };
}

/** Deletes the label sets of a deleted Dataset. */
export async function forgetDatasetLabels({ sql }: Transaction, uid: string): Promise<void> {
  await sql.query('delete from labeling.label_set where dataset = $1', [uid], 'forget_dataset_labels');
}

async function forgetProjectLabels({ sql }: Transaction, projectId: string): Promise<void> {
  await sql.query('delete from labeling.label_set where project_id = $1', [projectId], 'forget_project_labels');
}

export const ledger: LedgerDefinition<LabelsDependencies, LabelsLedger> = {
  name: 'labeling',
  slice: labelsSlice,
  project: { remove: async (tx, { id }) => await forgetProjectLabels(tx, id) },
  open: labelsLedger,
};
