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
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import type { MaskedColumn } from './reading/masks.ts';

/** What other parts of the ledger have to say of a version. */
export interface VersionHooks {
  /**
   * Called in the transaction that makes a version, once it is written. `wait`: it stays `building` until somebody calls
   * `decideVersion`.
   */
  readonly begin?: (tx: Transaction, version: DatasetVersion) => Promise<'wait' | 'ready'>;
  /** Called in the transaction that deletes versions for good. */
  readonly forget?: readonly ((tx: Transaction, ids: readonly string[]) => Promise<void>)[];
  /** What a principal may not see as it is. Without it, all of `spec.sensitive`. */
  readonly masked?: (
    tx: Transaction,
    dataset: string,
    principal: Principal,
    /** Asks whether the caller may do an action to the dataset; absent where nobody can be asked. */
    may?: (action: string) => Promise<boolean>,
  ) => Promise<readonly MaskedColumn[]>;
}

/** A source that is no file of ours. */
export type ExternalSource = Exclude<DatasetSource, { type: 'upload' | 'dataset' }>;
export interface SecretRef {
  readonly secret: string;
  readonly key: string;
}
export type SecretReader = (ref: SecretRef) => Promise<string>;

/** What the ledger of data stands on. */
export interface DataParts {
  readonly database: Database;
  readonly content: Content;
  readonly blobs: BlobStore & Partial<LocalBlobs>;
  readonly clock: Clock;
  readonly log: Log;
  /** Opened when it is first needed. */
  readonly query: () => Promise<QueryEngine>;
  readonly kinds: () => KindRegistry;
  /** Opens what lies outside; values of Secrets are read by `secret`. */
  readonly source: (source: ExternalSource, secret: SecretReader) => Promise<DataSource>;
  /** The value of a Secret of the transaction's project, opened after it; undefined: there is none. */
  readonly secretValue: (tx: Transaction, ref: SecretRef) => Promise<(() => Promise<string>) | undefined>;
  /** Absolute folder of this machine for files that are being worked on; made when it is absent. */
  readonly folder: string;
  readonly hooks: VersionHooks;
}
