import type { BlobStore, PresignedUploads } from '#engines/blobs/contract.ts';
import type { Database } from '#engines/database/contract.ts';
import type { Content } from '#kernel/content/content.ts';
import type { Clock } from '#lib/clock.ts';
import type { RandomSource } from '#lib/crypto/digests.ts';

/** Dependencies of the artifact operations. */
export interface ArtifactDependencies {
  readonly database: Database;
  readonly content: Content;
  /** The store of the bytes. Clients can access some stores directly. */
  readonly blobs?: BlobStore & Partial<PresignedUploads>;
  readonly clock: Clock;
  readonly random: RandomSource;
  /** `file:///…`, without a final slash: the folder that clients write to directly. Default: none. */
  readonly folderRoot?: string | undefined;
  /** Time in ms after which another process takes over the assembly of an upload. Default: one minute. */
  readonly claimMs?: number;
}
