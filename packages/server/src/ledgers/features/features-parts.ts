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

/** A version of a dataset, as far as features care. */
export interface SourceVersion {
  readonly id: string;
  readonly dataset: string;
  readonly number: number;
  readonly columns: readonly Column[];
  readonly keys: readonly string[];
  readonly eventTime: string | undefined;
}

/** A version that is to be made. */
export interface VersionRequest {
  readonly projectId: string;
  readonly dataset: string;
  /** What the Dataset is made as where there is none yet; undefined: there must be one. */
  readonly ensure?: { readonly origin: string; readonly spec?: Readonly<Record<string, unknown>> };
  /** Tables of the query: versions by id, or rows brought along. */
  readonly tables: Readonly<Record<string, { readonly version: string } | InlineTable>>;
  readonly query: Query;
  readonly source: VersionSource;
  /** Id of the version that its rows go on from, null for none; another one that came meanwhile is a `conflict`. */
  readonly onto?: string | null;
  /** Keys of lineage nodes that it came from, beside the versions of `tables`. */
  readonly parents: readonly string[];
  readonly message: string;
  readonly by: Actor;
}

/** Port: the ledger that keeps datasets. */
export interface SourceVersions {
  /** @throws DaisError `not_found`, `invalid_request`, `invalid_state` for one that may not be used. */
  resolve(tx: Transaction, reference: string): Promise<SourceVersion>;
  /** @throws as `resolve`. */
  read(tx: Transaction, id: string): Promise<SourceVersion>;
  /** The newest of a dataset that is ready, or will be once it is checked; then `ready` is false. */
  newest(
    tx: Transaction,
    dataset: string,
  ): Promise<{ readonly version: SourceVersion; readonly ready: boolean } | undefined>;
  /** Its files on this machine while `work` runs, in the order of its rows. */
  withFiles<T>(projectId: string, id: string, work: (files: readonly SourceFile[]) => Promise<T>): Promise<T>;
  /** Makes a version, whole or not at all; `also` is done in the transaction that makes it. @throws DaisError `conflict`. */
  make(
    request: VersionRequest,
    io: Pick<JobIo, 'signal' | 'write'> & { readonly progress?: (share: number) => void },
    also: (tx: Transaction, made: SourceVersion & { readonly rows: number }) => Promise<void>,
  ): Promise<void>;
  /** The columns of a Dataset that not everybody may see: its manifest says so, or what was found in them. */
  sensitive(tx: Transaction, dataset: string): Promise<readonly SensitiveColumn[]>;
  /** Whether the caller sees them all the same. */
  mayUnmask(call: Pick<Call, 'authorize' | 'tenant'>, dataset: string): Promise<boolean>;
}

/** What the ledger of features stands on. */
export interface FeatureParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly sources: SourceVersions;
  /** Opened when it is first needed. */
  readonly query: () => Promise<QueryEngine>;
  /** Opened when it is first needed. */
  readonly online: () => Promise<OnlineStore>;
  /** A folder of its own, for what lives no longer than a job. */
  readonly folder: string;
}
