import type { BlobStore, PresignedUploads } from '#engines/blobs/contract.ts';
import type { Database } from '#engines/database/contract.ts';
import type { Content } from '#kernel/content/content.ts';
import type { Clock } from '#lib/clock.ts';
import type { RandomSource } from '#lib/crypto/digests.ts';

/** What the operations of artifacts stand on. */
export interface ArtifactParts {
  readonly database: Database;
  readonly content: Content;
  /** Where the bytes lie: some stores can be reached by clients themselves. */
  readonly blobs?: BlobStore & Partial<PresignedUploads>;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** `file:///…`, without a slash at its end: the folder that clients write to themselves. Default: there is none. */
  readonly folderRoot?: string | undefined;
  /** How long somebody who puts an upload together may stay silent before another one does, in ms. Default: a minute. */
  readonly claimMs?: number;
}
