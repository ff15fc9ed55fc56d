import type { BlobStore } from '#engines/blobs/contract.ts';

export interface SafetyParts {
  readonly blobs: BlobStore;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** What the addresses of artifacts that lie in Dais begin with. */
  readonly artifactRoot: string;
}
