import { Readable } from 'node:stream';
import type { S3 } from '@aws-sdk/client-s3';
import { DaisError } from '@dais/api';
import type { ByteRange } from '../contract.ts';
import type { S3Access } from './s3-access.ts';
import { isMissing, s3Answer, s3Error } from './s3-errors.ts';

/** Maximum consecutive retries of an interrupted download without a new byte. */
const RESUMES = 3;

/**
 * Streams an object or a range of it. It reopens a broken connection at the last byte, but only for the same object (by its
 * ETag): bytes of two objects are never combined.
 * @throws DaisError `content_missing`, `range_not_satisfiable`, `blobs_unavailable`.
 */
export async function readObject(access: S3Access, key: string, locator: string, range?: ByteRange): Promise<Readable> {
  const first = await request(access, key, locator, range && `bytes=${range.start}-${range.end}`);
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
        if (broken > RESUMES) throw s3Error(error, access.options, 'reading a blob');
        ({ body } = await request(access, key, locator, `bytes=${position}-${end - 1}`, first.etag));
      }
    }
  }

  const stream = Readable.from(resumed(), { objectMode: false });
  // A generator that was never started runs no `finally`, so the connection is released here.
  stream.once('close', () => body.destroy());
  return stream;
}

async function request(
  access: S3Access,
  key: string,
  locator: string,
  range: string | undefined,
  etag?: string,
): Promise<{ readonly body: Readable; readonly length: number; readonly etag: string | undefined }> {
  return await access.call('reading a blob', async (s3) => {
    try {
      const answer = await s3.getObject({
        Bucket: access.bucket,
        Key: key,
        ...(range !== undefined && { Range: range }),
        ...(etag !== undefined && { IfMatch: etag }),
      });
      // In Node, the body of a response is always a stream.
      const body = answer.Body as unknown as Readable;
      body.on('error', () => {});
      return { body, length: answer.ContentLength ?? 0, etag: answer.ETag };
    } catch (error) {
      const { name, status } = s3Answer(error);
      if (isMissing(error)) throw new DaisError('content_missing', `${locator} is not in bucket ${access.bucket}`);
      if (status === 416) throw new DaisError('range_not_satisfiable', `${range ?? ''} is outside ${locator}`);
      if (status === 412)
        throw new DaisError('blobs_unavailable', `${locator} was replaced while it was read (${name})`);
      throw error;
    }
  });
}

/** Returns the text of a small object; undefined when it does not exist. */
export async function readText(
  s3: S3,
  target: { readonly Bucket: string; readonly Key: string },
): Promise<string | undefined> {
  try {
    return await (await s3.getObject(target)).Body?.transformToString();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}
