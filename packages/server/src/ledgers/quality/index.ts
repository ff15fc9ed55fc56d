/** The quality ledger: profiles, expectations and checks of dataset versions. */
import { expectationsSchema, type DatasetVersion } from '@dais/api/data';
import type { OperationEntry } from '#kernel/entry.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { LedgerDefinition } from '#ledgers/ledger.ts';
import { checkHandler, enqueueCheck } from './check-job.ts';
import { forgetVersions, insertCheck } from './check-rows.ts';
import { enqueueProfile, profileHandler } from './profile-job.ts';
import { qualityEntries } from './quality-entries.ts';
import { upstreamQuality } from './quality-facts.ts';
import type { QualityDependencies } from './quality-dependencies.ts';
import { qualitySlice } from './quality-slice.ts';

export type { QualityDependencies } from './quality-dependencies.ts';
export { qualitySlice } from './quality-slice.ts';

export interface QualityLedger {
  readonly entries: readonly OperationEntry[];
  readonly jobs: readonly JobHandler[];
  /**
   * Enqueues checks and profile in the transaction that creates a version. `wait`: an expectation is blocking, so the
   * version is not ready before its checks have passed.
   */
  readonly begin: (tx: Transaction, version: DatasetVersion) => Promise<'wait' | 'ready'>;
  /** Runs in the transaction that permanently deletes versions. */
  readonly forget: (tx: Transaction, ids: readonly string[]) => Promise<void>;
}

export function qualityLedger(dependencies: QualityDependencies): QualityLedger {
  const { now, versions } = dependencies;
  return {
    entries: qualityEntries(dependencies),
    jobs: [checkHandler(dependencies), profileHandler(dependencies)],
    forget: forgetVersions,
    begin: async (tx, version) => {
      // External files are not read: they have no profile, and blocking expectations fail closed.
      if (version.mode === 'managed') enqueueProfile(tx, version, now());
      const { expectations = [] } = await versions.spec(tx, version.dataset);
      const parsed = expectationsSchema.parse(expectations);
      if (parsed.length === 0) return 'ready';
      const gate = parsed.some(({ severity }) => severity === 'block');
      const check = await insertCheck(tx, { version, gate, expectations: parsed, now: now() });
      enqueueCheck(tx, check.id);
      return gate ? 'wait' : 'ready';
    },
  };
}

export const ledger: LedgerDefinition<QualityDependencies, QualityLedger> = {
  name: 'quality',
  slice: qualitySlice,
  facts: () => ({ upstream: [upstreamQuality] }),
  open: qualityLedger,
};
