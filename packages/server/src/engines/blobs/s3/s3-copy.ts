import type { CompletedPart, S3 } from '@aws-sdk/client-s3';
import type { S3BlobStoreOptions } from './s3-access.ts';

const COPY_PART_BYTES = 512 * 2 ** 20;
const COPIES_AT_A_TIME = 4;

/**
 * Copies an object inside the bucket. S3 copies at most 5 GiB in one request. Parts have at most 512 MiB by default, because
 * parallel copies of parts are faster and each completes within seconds.
 */
export async function copyObject(
  s3: S3,
  options: S3BlobStoreOptions,
  from: string,
  to: string,
  size: number,
): Promise<void> {
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
