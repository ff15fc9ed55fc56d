/** Privacy: what is personal or secret in datasets, what people said of it, and what others see in its place. */
import type { DatasetVersion } from '@dais/api';
import type { OperationEntry } from '#kernel/dispatch.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import type { FactProvider } from '#kernel/principal.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { findingFacts } from './finding-facts.ts';
import { rewrapHandler } from './key-holder.ts';
import { maskedColumns, type MaskedColumn } from './masked-columns.ts';
import { privacyEntries } from './privacy-entries.ts';
import type { PrivacyParts } from './privacy-parts.ts';
import { PseudonymKeys, type PseudonymKeysParts } from './pseudonym-keys.ts';
import { enqueueScan, scanHandler } from './scan-job.ts';

export { forgetDatasetFindings, forgetProjectFindings, forgetScans } from './forget.ts';
export { countByKey, rewrapJob } from './key-holder.ts';
export { privacySlice } from './privacy-slice.ts';

export type PrivacyLedgerParts = Omit<PrivacyParts, 'keys'> & PseudonymKeysParts;

export interface PrivacyLedger {
  readonly entries: readonly OperationEntry[];
  readonly jobs: readonly JobHandler[];
  /** Of the Dataset kind. */
  readonly facts: FactProvider;
  /** In the transaction that makes a version: it will be looked at. */
  readonly enqueueScan: (tx: Transaction, version: DatasetVersion) => Promise<void>;
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
    facts: findingFacts(now),
    enqueueScan: async (tx, version) => await enqueueScan(tx, version, now()),
    masked: async (tx, dataset, may) => await maskedColumns(tx, parts, dataset, may),
  };
}
