import type { Readable } from 'node:stream';
import type { ByteRange } from '#engines/blobs/contract.ts';

/** Content as the output of an operation: a route with a known size selects the range, then opens it. */
export interface Download {
  readonly size: number;
  /** Lower-case hex; null until the bytes were read. */
  readonly sha256: string | null;
  /** @throws DaisError `content_missing`, `blobs_unavailable`. */
  open(range?: ByteRange): Promise<Readable>;
}
