/** The model safety ledger: scans of model files before they are loaded. */
import type { OperationEntry } from '#kernel/entry.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import type { Subscriber } from '#kernel/subscriptions.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { LedgerDefinition } from '#ledgers/ledger.ts';
import { safetyEntries } from './safety-entries.ts';
import { safetyFacts, upstreamScans } from './safety-facts.ts';
import type { SafetyDependencies } from './safety-dependencies.ts';
import { safetySlice } from './safety-slice.ts';
import { scanHandler, scanSubscriber } from './scan-job.ts';

export { safetySlice } from './safety-slice.ts';
export type { SafetyDependencies } from './safety-dependencies.ts';
export { scanResult } from './scan-rows.ts';

export interface SafetyLedger {
  readonly entries: readonly OperationEntry[];
  readonly jobs: readonly JobHandler[];
  readonly subscribers: readonly Subscriber[];
}

export function safetyLedger(dependencies: SafetyDependencies): SafetyLedger {
  return {
    entries: safetyEntries(dependencies),
    jobs: [scanHandler(dependencies)],
    subscribers: [scanSubscriber(dependencies.now)],
  };
}

async function forgetProjectScans({ sql }: Transaction, projectId: string): Promise<void> {
  await sql.query('delete from safety.scan where project_id = $1', [projectId], 'forget_project_scans');
}

export const ledger: LedgerDefinition<SafetyDependencies, SafetyLedger> = {
  name: 'safety',
  slice: safetySlice,
  project: { remove: async (tx, { id }) => await forgetProjectScans(tx, id) },
  facts: () => ({ providers: { Model: safetyFacts }, upstream: [upstreamScans] }),
  open: safetyLedger,
};
