import type { DatasetSpec } from '@dais/api';
import type { DatasetVersion } from '@dais/api/data';
import type { Database } from '#engines/database/contract.ts';
import type { FileTable, QueryEngine } from '#engines/query/contract.ts';
import type { Principal } from '#kernel/principal.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { Log } from '#lib/log.ts';

/** Reads dataset versions. */
export interface Versions {
  readonly read: (tx: Transaction, id: string) => Promise<DatasetVersion>;
  /** Resolves a reference such as `flights@latest`. @throws DaisError `not_found`, `invalid_request`. */
  readonly resolve: (tx: Transaction, reference: string) => Promise<DatasetVersion>;
  /** Returns the newest ready version before a number. */
  readonly previous: (tx: Transaction, dataset: string, number: number) => Promise<DatasetVersion | undefined>;
  /** @throws DaisError `invalid_state`. */
  readonly decide: (
    tx: Transaction,
    id: string,
    to: 'ready' | 'quarantined' | 'released',
    why: { readonly now: number; readonly reason?: string },
  ) => Promise<DatasetVersion>;
  readonly spec: (tx: Transaction, dataset: string) => Promise<DatasetSpec>;
  /** Provides the rows while `work` runs. @throws DaisError `content_missing`, `invalid_state`. */
  readonly withTable: <T>(version: DatasetVersion, work: (table: FileTable) => Promise<T>) => Promise<T>;
  /** Returns the columns that are masked for this reader. */
  readonly masked: (
    tx: Transaction,
    dataset: string,
    principal: Principal,
    may: (action: string) => Promise<boolean>,
  ) => Promise<readonly { readonly column: string }[]>;
}

export interface QualityDependencies {
  readonly database: Database;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly log: Log;
  /** Opens the engine on first use. */
  readonly query: () => Promise<QueryEngine>;
  readonly versions: Versions;
}
