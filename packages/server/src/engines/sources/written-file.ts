/** Writes bytes to a file and computes their size and digest. */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { Transform, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DaisError } from '@dais/api';
import { type FetchedObject, type FetchIo, MOST_OBJECT_BYTES } from './contract.ts';

export async function writeFetched(
  source: Readable,
  path: string,
  { signal, progress }: FetchIo,
): Promise<Omit<FetchedObject, 'pin'>> {
  const hash = createHash('sha256');
  let bytes = 0;
  const measured = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > MOST_OBJECT_BYTES) {
        done(new DaisError('too_large', `the object exceeds the maximum of ${MOST_OBJECT_BYTES} bytes`));
        return;
      }
      hash.update(chunk);
      progress?.(bytes);
      done(null, chunk);
    },
  });
  await pipeline(source, measured, createWriteStream(path, { flags: 'wx', mode: 0o600 }), { signal });
  return { sha256: hash.digest('hex'), bytes };
}

/** Formats a row as CSV: quotes every value, so that NULL and empty text differ. */
export function csvRow(values: readonly (string | null)[]): string {
  return `${values.map((value) => (value === null ? '' : `"${value.replaceAll('"', '""')}"`)).join(',')}\n`;
}
