/** Zstandard for a stream: Node's own where it has it (22.15), else in JavaScript (about 150 MB/s). */
import { Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { Decompress } from 'fzstd';

export function zstdInflate(): Transform {
  const native = (zlib as { readonly createZstdDecompress?: () => Transform }).createZstdDecompress;
  if (native !== undefined) return native();
  const decoder = new Decompress();
  const stream = new Transform({
    transform: (chunk: Buffer, _, done) => {
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
  decoder.ondata = (piece) => stream.push(piece);
  return stream;
}
