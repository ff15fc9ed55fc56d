/** Privacy: what is personal or secret in datasets, what people said of it, and what others see in its place. */
import type { ColumnMask, DatasetVersion } from '@dais/api/data';
import type { OperationEntry } from '#kernel/dispatch.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { forgetScans } from './forget.ts';
import { rewrapHandler } from './key-holder.ts';
import { columnMasks, maskedColumns, type MaskedColumn } from './masked-columns.ts';
import { privacyEntries } from './privacy-entries.ts';
import type { PrivacyParts } from './privacy-parts.ts';
import { PseudonymKeys, type PseudonymKeysParts } from './pseudonym-keys.ts';
import { enqueueScan, scanHandler } from './scan-job.ts';

export { findingFacts, upstreamFindings } from './finding-facts.ts';
export { forgetDatasetFindings, forgetProjectFindings } from './forget.ts';
export { countByKey, rewrapJob } from './key-holder.ts';
export { privacySlice } from './privacy-slice.ts';

export type PrivacyLedgerParts = Omit<PrivacyParts, 'keys'> & PseudonymKeysParts;

export interface PrivacyLedger {
  readonly entries: readonly OperationEntry[];
  readonly jobs: readonly JobHandler[];
  /** In the transaction that makes a version: it will be looked at. */
  readonly enqueueScan: (tx: Transaction, version: DatasetVersion) => Promise<void>;
  /** Versions that were deleted for good. */
  readonly forget: (tx: Transaction, versions: readonly string[]) => Promise<void>;
  /** What whoever may not unmask a dataset does not see. */
  readonly masks: (tx: Transaction, dataset: string) => Promise<readonly ColumnMask[]>;
  /** See `maskedColumns`. */
  readonly masked: (
    tx: Transaction,
    dataset: string,
    may: ((action: string) => Promise<boolean>) | undefined,
  ) => Promise<readonly MaskedColumn[]>;
}

export function privacyLedger({ database, now, query, versions, sealer, random }: PrivacyLedgerParts): PrivacyLedger {
  const keys = new PseudonymKeys({ database, sealer, random, now });
  const parts: PrivacyParts = { database, now, query, versions, keys };
  return {
    entries: privacyEntries(parts),
    jobs: [scanHandler(parts), rewrapHandler(sealer)],
    enqueueScan: async (tx, version) => await enqueueScan(tx, version, now()),
    forget: forgetScans,
    masks: async (tx, dataset) => await columnMasks(tx, dataset, now()),
    masked: async (tx, dataset, may) => await maskedColumns(tx, parts, dataset, may),
  };
}
