/** Files of a backup: hashed while they are written, and durable when they are. */
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DaisError } from '@dais/api/errors';

export interface Digesting extends Transform {
  seen(): { readonly sha256: string; readonly bytes: number };
}

export function digesting(): Digesting {
  const hash = createHash('sha256');
  let bytes = 0;
  const through = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      bytes += chunk.length;
      done(null, chunk);
    },
  });
  return Object.assign(through, { seen: () => ({ sha256: hash.copy().digest('hex'), bytes }) });
}

/** Runs `write` with a sink that ends in the file; durable when it resolves. */
export async function writeFileFrom<T>(
  path: string,
  through: Transform,
  write: (sink: Transform) => Promise<T>,
): Promise<T> {
  const file = createWriteStream(path, { flags: 'wx', mode: 0o600, flush: true });
  const written = pipeline(through, file);
  try {
    const result = await write(through);
    through.end();
    await written;
    return result;
  } catch (error) {
    through.destroy();
    await written.catch(() => {});
    throw diskFull(error, path);
  }
}

export async function writeDurably(path: string, text: string): Promise<void> {
  const handle = await open(`${path}.partial`, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(`${path}.partial`, path);
}

function diskFull(error: unknown, path: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOSPC' || code === 'EDQUOT'
    ? new DaisError('storage_full', `No space is left on the disk for ${path}.`, { cause: error })
    : error;
}
