import type { Actor } from '@dais/api';
import type { VersionSource } from '@dais/api/data';
import type { Database } from '#engines/database/contract.ts';
import type { OnlineStore } from '#engines/online/contract.ts';
import type { InlineTable, QueryEngine, SourceFile } from '#engines/query/contract.ts';
import type { Column } from '#engines/query/model/column-type.ts';
import type { Query } from '#engines/query/model/query-tree.ts';
import type { Call } from '#kernel/entry.ts';
import type { JobIo } from '#kernel/job-runner.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { SensitiveColumn } from '#ledgers/data/index.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';

/** A dataset version, with the fields that the feature ledger reads. */
export interface SourceVersion {
  readonly id: string;
  readonly dataset: string;
  readonly number: number;
  readonly columns: readonly Column[];
  readonly keys: readonly string[];
  readonly eventTime: string | undefined;
}

/** A version to create. */
export interface VersionRequest {
  readonly projectId: string;
  readonly dataset: string;
  /** The spec of a new Dataset; undefined if the Dataset must exist. */
  readonly ensure?: { readonly origin: string; readonly spec?: Readonly<Record<string, unknown>> };
  /** Tables of the query: versions by id, or rows. */
  readonly tables: Readonly<Record<string, { readonly version: string } | InlineTable>>;
  readonly query: Query;
  readonly source: VersionSource;
  /** Id of the expected newest version, null for none; a concurrent version causes a `conflict`. */
  readonly onto?: string | null;
  /** Keys of upstream lineage nodes in addition to the versions of `tables`. */
  readonly parents: readonly string[];
  readonly message: string;
  readonly by: Actor;
}

/** Interface of the data ledger. */
export interface SourceVersions {
  /** Resolves a reference. @throws DaisError `not_found`, `invalid_request`, `invalid_state` for a version that cannot be read */
  resolve(tx: Transaction, reference: string): Promise<SourceVersion>;
  /** @throws errors of `resolve` */
  read(tx: Transaction, id: string): Promise<SourceVersion>;
  /** Returns the newest version that is ready or being checked; `ready` is false for the latter. */
  newest(
    tx: Transaction,
    dataset: string,
  ): Promise<{ readonly version: SourceVersion; readonly ready: boolean } | undefined>;
  /** Provides the files on the local disk while `work` runs, in row order. */
  withFiles<T>(projectId: string, id: string, work: (files: readonly SourceFile[]) => Promise<T>): Promise<T>;
  /** Creates a version atomically; `also` runs in the same transaction. @throws DaisError `conflict`. */
  make(
    request: VersionRequest,
    io: Pick<JobIo, 'signal' | 'write'> & { readonly progress?: (share: number) => void },
    also: (tx: Transaction, made: SourceVersion & { readonly rows: number }) => Promise<void>,
  ): Promise<void>;
  /** Returns the sensitive columns of a Dataset, from its manifest and from findings. */
  sensitive(tx: Transaction, dataset: string): Promise<readonly SensitiveColumn[]>;
  /** Whether the caller sees sensitive columns unmasked. */
  mayUnmask(call: Pick<Call, 'authorize' | 'tenant'>, dataset: string): Promise<boolean>;
}

/** The dependencies of the feature ledger. */
export interface FeatureDependencies {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly sources: SourceVersions;
  /** Opens the store on first use. */
  readonly query: () => Promise<QueryEngine>;
  /** Opens the engine on first use. */
  readonly online: () => Promise<OnlineStore>;
  /** A folder for temporary files of jobs. */
  readonly folder: string;
}
