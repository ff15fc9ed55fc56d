import type { DatasetVersion } from '@dais/api/data';
import type { Database } from '#engines/database/contract.ts';
import type { QueryEngine, SourceFile } from '#engines/query/contract.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { PseudonymKeys } from './pseudonym-keys.ts';

/** Interface of the data ledger: dataset versions. */
export interface Versions {
  readVersion(tx: Transaction, id: string): Promise<DatasetVersion>;
  resolveVersion(tx: Transaction, reference: string): Promise<DatasetVersion>;
  /** Provides the files of a version on the local disk while `work` runs. */
  withFiles<T>(version: DatasetVersion, work: (files: readonly SourceFile[]) => Promise<T>): Promise<T>;
}

export interface PrivacyDependencies {
  readonly database: Database;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  readonly query: () => Promise<QueryEngine>;
  readonly versions: Versions;
  readonly keys: PseudonymKeys;
}
