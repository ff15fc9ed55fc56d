import type { Readable } from 'node:stream';
import type { S3 } from '@aws-sdk/client-s3';
import { DaisError } from '@dais/api';
import type { ByteRange } from '../contract.ts';
import { readResumed, type OpenedObject } from '../resumed-read.ts';
import type { S3Access } from './s3-access.ts';
import { isMissing, s3Answer, s3Error } from './s3-errors.ts';

/**
 * Streams an object or a range of it; see `readResumed`.
 * @throws DaisError `content_missing`, `range_not_satisfiable`, `blobs_unavailable`.
 */
export async function readObject(access: S3Access, key: string, locator: string, range?: ByteRange): Promise<Readable> {
  return await readResumed(
    locator,
    range,
    async (part, etag) => await request(access, key, locator, part && `bytes=${part.start}-${part.end}`, etag),
    (error) => s3Error(error, access.options, 'reading a blob'),
  );
}

async function request(
  access: S3Access,
  key: string,
  locator: string,
  range: string | undefined,
  etag?: string,
): Promise<OpenedObject> {
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
      return { body, length: answer.ContentLength ?? 0, version: answer.ETag };
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
