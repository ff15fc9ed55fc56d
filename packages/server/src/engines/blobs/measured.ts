/** Counts and hashes bytes on their way into a store, and compares them with the size and digest that the sender declared. */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { DaisError } from '@dais/api';
import { ChunkSums } from './chunk-sums.ts';
import { WHOLE_FIRST_BYTES, type ExpectedBytes } from './contract.ts';

/** Hashing is synchronous: 1 MiB takes 0.7 to 2 ms of the event loop, so larger chunks are split. */
const SLICE_BYTES = 1 << 20;

export interface Measured {
  readonly size: number;
  readonly sha256: string;
  /** For large objects only: see chunk-sums.ts. */
  readonly sums?: Buffer;
}

export interface MeasuredBytes {
  /** The bytes of the source in slices of at most 1 MiB. Throws the source's own error, `too_large`, `digest_mismatch`. */
  readonly bytes: AsyncIterable<Buffer>;
  /** Size and digest; only after `bytes` came to its end. */
  measured(): Measured;
}

/**
 * Measures the bytes of a source. From here on its errors always have a listener. `bytes` destroys it on an early return; a
 * caller that never starts `bytes` destroys the source itself. @throws TypeError when the source was read before.
 */
export function measure(source: Readable, expected: ExpectedBytes = {}): MeasuredBytes {
  source.on('error', () => {});
  if (source.readableEnded) throw new TypeError('the source has already been read');
  const hash = createHash('sha256');
  const sums = new ChunkSums();
  let size = 0;
  let result: Measured | undefined;

  async function* slices(): AsyncGenerator<Buffer> {
    for await (const chunk of source) {
      const whole = toBuffer(chunk);
      for (let at = 0; at < whole.length; at += SLICE_BYTES) {
        const slice = whole.subarray(at, at + SLICE_BYTES);
        size += slice.length;
        if (expected.maxBytes !== undefined && size > expected.maxBytes) {
          throw new DaisError('too_large', `the content exceeds the limit of ${expected.maxBytes} bytes`);
        }
        hash.update(slice);
        sums.update(slice);
        yield slice;
      }
    }
    const sha256 = hash.digest('hex');
    if (expected.sha256 !== undefined && expected.sha256 !== sha256) {
      const detail = `expected sha256 ${expected.sha256}, received ${size} bytes with sha256 ${sha256}`;
      throw new DaisError('digest_mismatch', detail);
    }
    result = { size, sha256, ...(size > WHOLE_FIRST_BYTES && { sums: sums.end() }) };
  }

  return {
    bytes: slices(),
    measured: () => {
      if (result === undefined) throw new Error('the source was not read to its end');
      return result;
    },
  };
}

function toBuffer(chunk: unknown): Buffer {
  if (Buffer.isBuffer(chunk)) return chunk;
  if (chunk instanceof Uint8Array) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (typeof chunk === 'string') return Buffer.from(chunk, 'utf8');
  throw new TypeError('a source must yield buffers or strings');
}
