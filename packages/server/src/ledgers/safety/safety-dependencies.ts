import type { BlobStore } from '#engines/blobs/contract.ts';

export interface SafetyDependencies {
  readonly blobs: BlobStore;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** The prefix of URIs of artifacts that are stored in Dais. */
  readonly artifactRoot: string;
}
