import { Readable } from 'node:stream';
import { DaisError } from '@dais/api/errors';
import type { ByteRange } from './contract.ts';

/** Maximum consecutive retries of an interrupted download without a new byte. */
const RESUMES = 3;

/** The start of a response with the bytes of an object. */
export interface OpenedObject {
  readonly body: Readable;
  /** Number of bytes in `body`. */
  readonly length: number;
  /** Identifies these bytes of the object: its ETag or generation. */
  readonly version: string | undefined;
}

/**
 * Streams an object or a range of it. It reopens a broken connection at the last byte, but only for the same version of the
 * object: bytes of two objects are never combined.
 * @param open requests a range of the version; without a version, of the current one.
 * @param asError translates the error of a connection that broke too often.
 * @throws DaisError `range_not_satisfiable`; the errors of `open` and `asError`.
 */
export async function readResumed(
  locator: string,
  range: ByteRange | undefined,
  open: (range: ByteRange | undefined, version: string | undefined) => Promise<OpenedObject>,
  asError: (error: unknown) => unknown,
): Promise<Readable> {
  const first = await open(range, undefined);
  const start = range?.start ?? 0;
  const length = range === undefined ? first.length : range.end - range.start + 1;
  if (first.length !== length) {
    first.body.destroy();
    throw new DaisError('range_not_satisfiable', `bytes ${start}-${start + length - 1} are outside ${locator}`);
  }
  let { body } = first;

  async function* resumed(): AsyncGenerator<Buffer> {
    let position = start;
    const end = start + length;
    for (let broken = 0; position < end;) {
      try {
        for await (const chunk of body) {
          position += (chunk as Buffer).length;
          broken = 0;
          yield chunk as Buffer;
        }
        if (position < end) throw Object.assign(new Error('the response is truncated'), { code: 'ECONNRESET' });
      } catch (error) {
        broken += 1;
        if (broken > RESUMES) throw asError(error);
        ({ body } = await open({ start: position, end: end - 1 }, first.version));
      }
    }
  }

  const stream = Readable.from(resumed(), { objectMode: false });
  // A generator that was never started runs no `finally`, so the connection is released here.
  stream.once('close', () => body.destroy());
  return stream;
}
