import type { S3 } from '@aws-sdk/client-s3';
import { DaisError } from '@dais/api';
import type { Clock } from '#lib/clock.ts';
import { uuidv7 } from '#lib/ids.ts';
import type { PresignedUpload } from '../contract.ts';
import { downloadDisposition } from '../download-disposition.ts';
import type { S3Access } from './s3-access.ts';
import { isMissing, s3Answer } from './s3-errors.ts';
import type { ObjectKeys } from '../object-keys.ts';
import { MAX_PARTS, MIB } from './s3-staging.ts';

/** Long enough for 1 TB at 200 Mbit/s. S3 allows 7 days. */
const UPLOAD_URL_SECONDS = 12 * 3600;
const LONGEST_URL_SECONDS = 7 * 24 * 3600;
const INCOMPLETE = new Set(['InvalidPart', 'InvalidPartOrder', 'EntityTooSmall', 'MalformedXML']);

export async function beginUpload(
  access: S3Access,
  keys: ObjectKeys,
  clock: Clock,
  size: number,
  partBytes: number,
): Promise<PresignedUpload> {
  if (!Number.isSafeInteger(partBytes) || partBytes < 5 * MIB || partBytes > 5 * 1024 * MIB) {
    throw new DaisError('invalid_request', `a part must have 5 MiB to 5 GiB, not ${partBytes} bytes`);
  }
  if (!Number.isSafeInteger(size) || size < 0)
    throw new DaisError('invalid_request', `${size} is not a valid size in bytes`);
  const count = Math.max(1, Math.ceil(size / partBytes));
  if (count > MAX_PARTS) {
    const detail = `${size} bytes in parts of ${partBytes} bytes are ${count} parts; the maximum of S3 is ${MAX_PARTS}: use larger parts`;
    throw new DaisError('too_large', detail);
  }
  const id = uuidv7(clock.now());
  const target = { Bucket: access.bucket, Key: keys.key('direct', id) };
  const { UploadId } = await access.call('starting an upload', async (s3) => await s3.createMultipartUpload(target));
  if (UploadId === undefined) throw new DaisError('blobs_unavailable', `bucket ${access.bucket} returned no upload id`);
  const [{ UploadPartCommand }, { getSignedUrl }] = await Promise.all([
    import('@aws-sdk/client-s3'),
    import('@aws-sdk/s3-request-presigner'),
  ]);
  const signer = await access.publicClient();
  const urls: string[] = [];
  for (let number = 1; number <= count; number += 1) {
    const command = new UploadPartCommand({ ...target, UploadId, PartNumber: number });
    urls.push(await getSignedUrl(signer, command, { expiresIn: UPLOAD_URL_SECONDS }));
  }
  return { locator: `direct:${id}`, uploadId: UploadId, size, urls };
}

export async function completeUpload(
  access: S3Access,
  keys: ObjectKeys,
  upload: PresignedUpload,
  etags: readonly string[],
): Promise<{ readonly locator: string; readonly size: number }> {
  if (etags.length !== upload.urls.length) {
    const detail = `the upload has ${upload.urls.length} parts, but the request has ${etags.length} ETags`;
    throw new DaisError('invalid_request', detail);
  }
  const target = { Bucket: access.bucket, Key: keyOf(keys, upload) };
  const Parts = etags.map((ETag, index) => ({ ETag, PartNumber: index + 1 }));
  return await access.call('completing an upload', async (s3) => {
    let failure: unknown;
    try {
      await s3.completeMultipartUpload({ ...target, UploadId: upload.uploadId, MultipartUpload: { Parts } });
    } catch (error) {
      failure = error;
    }
    const { name } = s3Answer(failure);
    if (INCOMPLETE.has(name)) {
      throw new DaisError(
        'invalid_request',
        `the uploaded parts do not match the ETags, or a part is too small (${name})`,
      );
    }
    // Also after a failure: an earlier call may have completed it, or this one, and its response was lost.
    const size = await sizeOf(s3, target);
    if (size === upload.size) return { locator: upload.locator, size };
    if (size !== undefined) {
      await s3.deleteObject(target);
      throw new DaisError('invalid_request', `the parts have ${size} bytes in total, expected ${upload.size}`);
    }
    if (failure !== undefined && name !== 'NoSuchUpload') throw failure;
    throw new DaisError('invalid_request', 'the upload was aborted or has expired: start a new upload');
  });
}

export async function abortUpload(access: S3Access, keys: ObjectKeys, upload: PresignedUpload): Promise<void> {
  const target = { Bucket: access.bucket, Key: keyOf(keys, upload), UploadId: upload.uploadId };
  await access.call('aborting an upload', async (s3) => {
    try {
      await s3.abortMultipartUpload(target);
    } catch (error) {
      if (s3Answer(error).name !== 'NoSuchUpload') throw error;
    }
  });
}

export async function signDownload(
  access: S3Access,
  key: string,
  seconds: number,
  fileName: string | undefined,
): Promise<string> {
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > LONGEST_URL_SECONDS) {
    throw new DaisError('invalid_request', `a download URL is valid for 1 to ${LONGEST_URL_SECONDS} seconds`);
  }
  const [{ GetObjectCommand }, { getSignedUrl }] = await Promise.all([
    import('@aws-sdk/client-s3'),
    import('@aws-sdk/s3-request-presigner'),
  ]);
  const command = new GetObjectCommand({
    Bucket: access.bucket,
    Key: key,
    ResponseContentDisposition: downloadDisposition(fileName),
    ResponseContentType: 'application/octet-stream',
  });
  return await getSignedUrl(await access.publicClient(), command, { expiresIn: seconds });
}

async function sizeOf(s3: S3, target: { readonly Bucket: string; readonly Key: string }): Promise<number | undefined> {
  try {
    return (await s3.headObject(target)).ContentLength;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function keyOf(keys: ObjectKeys, upload: PresignedUpload): string {
  const key = upload.locator.startsWith('direct:') ? keys.keyOf(upload.locator) : undefined;
  if (key === undefined) throw new DaisError('invalid_request', `${upload.locator} is not an upload of this store`);
  return key;
}
