import type { DatasetSource } from '@dais/api';
import type { DatasetVersion } from '@dais/api/data';
import type { BlobStore, LocalBlobs } from '#engines/blobs/contract.ts';
import type { Database } from '#engines/database/contract.ts';
import type { QueryEngine } from '#engines/query/contract.ts';
import type { DataSource } from '#engines/sources/contract.ts';
import type { Content } from '#kernel/content/content.ts';
import type { Principal } from '#kernel/principal.ts';
import type { KindRegistry } from '#kernel/registry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { RecordUsage } from '#ledgers/usage/index.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import type { MaskedColumn } from './reading/masks.ts';

/** Hooks of other ledgers for the life cycle of versions. */
export interface VersionHooks {
  /**
   * Runs in the transaction that creates a version, after its row is written. `wait`: the version stays `building` until
   * `decideVersion` is called.
   */
  readonly begin?: (tx: Transaction, version: DatasetVersion) => Promise<'wait' | 'ready'>;
  /** Runs in the transaction that permanently deletes versions. */
  readonly forget?: readonly ((tx: Transaction, ids: readonly string[]) => Promise<void>)[];
  /** Returns the columns that are masked for a principal. Default: all of `spec.sensitive`. */
  readonly masked?: (
    tx: Transaction,
    dataset: string,
    principal: Principal,
    /** Whether the caller may perform an action on the dataset; undefined without an authorizer. */
    may?: (action: string) => Promise<boolean>,
  ) => Promise<readonly MaskedColumn[]>;
}

/** An external source. */
export type ExternalSource = Exclude<DatasetSource, { type: 'upload' | 'dataset' }>;
export interface SecretRef {
  readonly secret: string;
  readonly key: string;
}
export type SecretReader = (ref: SecretRef) => Promise<string>;

/** The dependencies of the data ledger. */
export interface DataDependencies {
  readonly database: Database;
  readonly content: Content;
  readonly blobs: BlobStore & Partial<LocalBlobs>;
  readonly clock: Clock;
  readonly log: Log;
  /** Opens the engine on first use. */
  readonly query: () => Promise<QueryEngine>;
  readonly kinds: () => KindRegistry;
  /** Opens an external source; `secret` reads values of Secrets. */
  readonly source: (source: ExternalSource, secret: SecretReader) => Promise<DataSource>;
  /** Returns the value of a Secret of the project, which is opened after the transaction; undefined if there is none. */
  readonly secretValue: (tx: Transaction, ref: SecretRef) => Promise<(() => Promise<string>) | undefined>;
  /** Absolute path of the folder for temporary files; created if it does not exist. */
  readonly folder: string;
  readonly hooks: VersionHooks;
  /** Records the usage of queries. Absent: it is not recorded. */
  readonly usage?: RecordUsage;
}
