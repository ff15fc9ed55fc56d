/** The privacy ledger: findings of personal data, decisions about them, and masks. */
import type { ColumnMask, DatasetVersion } from '@dais/api/data';
import type { OperationEntry } from '#kernel/entry.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { LedgerDefinition } from '#ledgers/ledger.ts';
import { findingFacts, upstreamFindings } from './finding-facts.ts';
import { forgetProjectFindings, forgetScans } from './forget.ts';
import { countByKey, KEYS_QUEUE, rewrapHandler } from './key-rotation.ts';
import { columnMasks, maskedColumns, type MaskedColumn } from './masked-columns.ts';
import { privacyEntries } from './privacy-entries.ts';
import type { PrivacyDependencies } from './privacy-dependencies.ts';
import { privacySlice } from './privacy-slice.ts';
import { PseudonymKeys, type PseudonymKeysDependencies } from './pseudonym-keys.ts';
import { enqueueScan, scanHandler } from './scan-job.ts';

export { forgetDatasetFindings } from './forget.ts';
export { privacySlice } from './privacy-slice.ts';

export type PrivacyLedgerDependencies = Omit<PrivacyDependencies, 'keys'> & PseudonymKeysDependencies;

export interface PrivacyLedger {
  readonly entries: readonly OperationEntry[];
  readonly jobs: readonly JobHandler[];
  /** Enqueues a scan in the transaction that creates a version. */
  readonly enqueueScan: (tx: Transaction, version: DatasetVersion) => Promise<void>;
  /** Deletes findings of permanently deleted versions. */
  readonly forget: (tx: Transaction, versions: readonly string[]) => Promise<void>;
  /** Returns the columns that are masked for users who may not unmask a dataset. */
  readonly masks: (tx: Transaction, dataset: string) => Promise<readonly ColumnMask[]>;
  /** See `maskedColumns`. */
  readonly masked: (
    tx: Transaction,
    dataset: string,
    may: ((action: string) => Promise<boolean>) | undefined,
  ) => Promise<readonly MaskedColumn[]>;
}

function privacyLedger({ database, now, query, versions, sealer, random }: PrivacyLedgerDependencies): PrivacyLedger {
  const keys = new PseudonymKeys({ database, sealer, random, now });
  const dependencies: PrivacyDependencies = { database, now, query, versions, keys };
  return {
    entries: privacyEntries(dependencies),
    jobs: [scanHandler(dependencies), rewrapHandler(sealer)],
    enqueueScan: async (tx, version) => await enqueueScan(tx, version, now()),
    forget: forgetScans,
    masks: async (tx, dataset) => await columnMasks(tx, dataset, now()),
    masked: async (tx, dataset, may) => await maskedColumns(tx, dependencies, dataset, may),
  };
}

export const ledger: LedgerDefinition<PrivacyLedgerDependencies, PrivacyLedger> = {
  name: 'privacy',
  slice: privacySlice,
  project: { remove: async (tx, { id }) => await forgetProjectFindings(tx, id) },
  keyRotation: { countByKey, queue: KEYS_QUEUE },
  facts: (now) => ({ providers: { Dataset: findingFacts(now) }, upstream: [upstreamFindings(now)] }),
  open: privacyLedger,
};
