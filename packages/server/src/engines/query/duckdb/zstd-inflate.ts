/** Zstandard for a stream: Node's own where it has it (22.15), else in JavaScript (about 150 MB/s). */
import { Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { Decompress } from 'fzstd';

/**
 * `bomb` is thrown when one chunk becomes more than `mostAtOnce` bytes: in JavaScript all that a chunk becomes is made before
 * anybody can look at it, and 64 KiB may become 2 GiB.
 */
export function zstdInflate(mostAtOnce: number, bomb: () => Error): Transform {
  const native = (zlib as { readonly createZstdDecompress?: () => Transform }).createZstdDecompress;
  if (native !== undefined) return native();
  const decoder = new Decompress();
  let made = 0;
  const stream = new Transform({
    transform: (chunk: Buffer, _, done) => {
      made = 0;
      try {
        decoder.push(chunk);
        done();
      } catch (error) {
        done(error as Error);
      }
    },
    flush: (done) => {
      try {
        decoder.push(new Uint8Array(0), true);
        done();
      } catch (error) {
        done(error as Error);
      }
    },
  });
  decoder.ondata = (piece) => {
    made += piece.length;
    if (made > mostAtOnce) throw bomb();
    stream.push(piece);
  };
  return stream;
}
