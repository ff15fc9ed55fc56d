/**
 * Writes bytes to S3. The digest, and with it the key, is known only at the end, so a large blob is written to a temporary key
 * by multipart upload and then copied inside S3. This costs one copy there, but no local disk (replicas have little) and no
 * second network transfer. A blob of one part is buffered in memory and sent once, to its key.
 */
import { Readable } from 'node:stream';
import type { CompletedPart, S3 } from '@aws-sdk/client-s3';
import { DaisError } from '@dais/api';
import type { Clock } from '#lib/clock.ts';
import { uuidv7 } from '#lib/ids.ts';
import type { S3BlobStoreOptions, S3Access } from './s3-access.ts';
import type { ExpectedBytes, StagedBlob } from '../contract.ts';
import { measure, type Measured } from '../measured.ts';
import { isMissing, s3Answer, s3Error } from './s3-errors.ts';
import type { ObjectKeys } from '../object-keys.ts';

export const MIB = 2 ** 20;
/** Maximum number of parts in one upload of S3. */
export const MAX_PARTS = 10_000;
const PART_BYTES = 16 * MIB;
const PARTS_AT_A_TIME = 4;

export interface S3StagingDependencies {
  readonly access: S3Access;
  readonly keys: ObjectKeys;
  readonly clock: Clock;
}

export async function stageInS3(
  dependencies: S3StagingDependencies,
  source: Readable,
  expected: ExpectedBytes,
): Promise<StagedBlob> {
  const partBytes = dependencies.access.options.partBytes ?? PART_BYTES;
  const most = partBytes * MAX_PARTS;
  const incoming = measure(source, { ...expected, maxBytes: Math.min(expected.maxBytes ?? most, most) });
  try {
    const iterator = incoming.bytes[Symbol.asyncIterator]();
    const gathered: Buffer[] = [];
    for (let size = 0; size <= partBytes;) {
      const next = await iterator.next();
      if (next.done === true) return stagedInMemory(dependencies, incoming.measured(), Buffer.concat(gathered));
      gathered.push(next.value);
      size += next.value.length;
    }
    const key = dependencies.keys.key('tmp', uuidv7(dependencies.clock.now()));
    await upload(dependencies.access, key, partBytes, gathered, iterator);
    return stagedInBucket(dependencies, incoming.measured(), key);
  } finally {
    source.destroy();
  }
}

async function upload(
  access: S3Access,
  key: string,
  partBytes: number,
  gathered: Buffer[],
  rest: AsyncIterator<Buffer>,
): Promise<void> {
  let failure: { readonly error: unknown } | undefined;
  async function* body(): AsyncGenerator<Buffer> {
    for (let slice = gathered.shift(); slice !== undefined; slice = gathered.shift()) yield slice;
    try {
      for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
    } catch (error) {
      failure = { error };
      throw error;
    }
  }
  const { Upload } = await import('@aws-sdk/lib-storage');
  const stream = Readable.from(body(), { objectMode: false });
  const client = await access.client();
  const params = { Bucket: access.bucket, Key: key, Body: stream };
  try {
    await new Upload({ client, params, partSize: partBytes, queueSize: PARTS_AT_A_TIME }).done();
  } catch (error) {
    // When the source fails, the upload is aborted. Report the error of the source even if the abort fails, too.
    throw failure === undefined ? s3Error(error, access.options, 'writing a blob') : failure.error;
  } finally {
    stream.destroy();
  }
}

function stagedInMemory(dependencies: S3StagingDependencies, measured: Measured, bytes: Buffer): StagedBlob {
  const { access, keys } = dependencies;
  let held: Buffer | undefined = bytes;
  return {
    ...measured,
    locator: `sha256:${measured.sha256}`,
    commit: async () => {
      const body = held;
      if (body === undefined) return;
      const key = keys.key('sha256', measured.sha256);
      // Replaces an object of the same key: its size does not show whether its bytes are damaged.
      await access.call('writing a blob', async (s3) => {
        return await s3.putObject({ Bucket: access.bucket, Key: key, Body: body });
      });
      held = undefined;
    },
    discard: async () => {
      held = undefined;
    },
  };
}

function stagedInBucket(dependencies: S3StagingDependencies, measured: Measured, temporary: string): StagedBlob {
  const { access, keys } = dependencies;
  let settled = false;
  const removeTemporary = async (): Promise<void> => {
    settled = true;
    try {
      await access.call('removing a temporary object', async (s3) => {
        return await s3.deleteObject({ Bucket: access.bucket, Key: temporary });
      });
    } catch {
      // The sweep removes it.
    }
  };
  return {
    ...measured,
    locator: `sha256:${measured.sha256}`,
    commit: async () => {
      if (settled) return;
      const key = keys.key('sha256', measured.sha256);
      await access.call('copying a blob', async (s3) => {
        try {
          await copyObject(s3, access.options, temporary, key, measured.size);
        } catch (error) {
          if (!isMissing(error) && s3Answer(error).name !== 'NoSuchKey') throw error;
          const detail = `the temporary object of an upload in bucket ${access.bucket} was removed by a cleanup before it was stored`;
          throw new DaisError('blobs_unavailable', detail);
        }
      });
      await removeTemporary();
    },
    discard: async () => {
      if (!settled) await removeTemporary();
    },
  };
}

const COPY_PART_BYTES = 512 * 2 ** 20;
const COPIES_AT_A_TIME = 4;

/**
 * Copies an object inside the bucket. S3 copies at most 5 GiB in one request. Parts have at most 512 MiB by default, because
 * parallel copies of parts are faster and each completes within seconds.
 */
async function copyObject(s3: S3, options: S3BlobStoreOptions, from: string, to: string, size: number): Promise<void> {
  const Bucket = options.bucket;
  const CopySource = `${Bucket}/${from.split('/').map(encodeURIComponent).join('/')}`;
  const partBytes = options.copyPartBytes ?? COPY_PART_BYTES;
  if (size <= partBytes) {
    await s3.copyObject({ Bucket, Key: to, CopySource });
    return;
  }
  const { UploadId } = await s3.createMultipartUpload({ Bucket, Key: to });
  try {
    const parts: CompletedPart[] = [];
    const count = Math.ceil(size / partBytes);
    let next = 0;
    const copyParts = async (): Promise<void> => {
      while (next < count) {
        const number = next;
        next += 1;
        const last = Math.min((number + 1) * partBytes, size) - 1;
        const CopySourceRange = `bytes=${number * partBytes}-${last}`;
        const request = { Bucket, Key: to, UploadId, PartNumber: number + 1, CopySource, CopySourceRange };
        const { CopyPartResult } = await s3.uploadPartCopy(request);
        parts[number] = { PartNumber: number + 1, ETag: CopyPartResult?.ETag };
      }
    };
    await Promise.all(Array.from({ length: COPIES_AT_A_TIME }, copyParts));
    await s3.completeMultipartUpload({ Bucket, Key: to, UploadId, MultipartUpload: { Parts: parts } });
  } catch (error) {
    // If the abort fails, the sweep aborts it.
    await s3.abortMultipartUpload({ Bucket, Key: to, UploadId }).catch(() => {});
    throw error;
  }
}
