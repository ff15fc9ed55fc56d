import type { BlobStore, LocalBlobs } from '#engines/blobs/contract.ts';
import type { Database } from '#engines/database/contract.ts';
import type { QueryEngine } from '#engines/query/contract.ts';
import type { Content } from '#kernel/content/content.ts';
import type { ThisNode } from '#ledgers/nodes/index.ts';
import type { RecordUsage } from '#ledgers/usage/index.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';

export interface PredictionsDependencies {
  readonly database: Database;
  readonly content: Content;
  readonly blobs: BlobStore & Partial<LocalBlobs>;
  readonly clock: Clock;
  readonly log: Log;
  readonly query: () => Promise<QueryEngine>;
  readonly self: ThisNode;
  /** Longest wait for the collections of other nodes; set by tests. */
  readonly waitMs?: number;
  /** Absolute folder in which gateways write their segments, one folder each. */
  readonly spool: string;
  /** Absolute folder for temporary files; created if missing. */
  readonly folder: string;
  /** From one collection without a reader to the next; set by tests. */
  readonly collectMs?: number;
  /** Retention of predictions. */
  readonly days: number;
  /** Limit of the bytes of a project's files; the oldest are deleted first. */
  readonly projectBytes: number;
  /** Records the usage of queries. Absent: it is not recorded. */
  readonly usage?: RecordUsage;
}
