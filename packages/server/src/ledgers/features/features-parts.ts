import type { BlobStore } from '#engines/blobs/contract.ts';
import type { Database } from '#engines/database/contract.ts';
import type { OnlineStore } from '#engines/online/contract.ts';
import type { QueryEngine } from '#engines/query/contract.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';

/** What the ledger of features stands on. */
export interface FeatureParts {
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Log;
  /** Opened when it is first needed. */
  readonly query: () => Promise<QueryEngine>;
  /** Opened when it is first needed. */
  readonly online: () => Promise<OnlineStore>;
  /** A folder of its own, for what lives no longer than a job. */
  readonly folder: string;
}
