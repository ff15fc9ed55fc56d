/** Stores blobs in a bucket of S3 or of a compatible server. */
import type { Readable } from 'node:stream';
import { DaisError } from '@dais/api';
import type { Clock } from '#lib/clock.ts';
import { uuidv7 } from '#lib/ids.ts';
import type {
  BlobStat,
  BlobStore,
  ByteRange,
  ExpectedBytes,
  PresignedUpload,
  PresignedUploads,
  StagedBlob,
  StoredBlob,
  StoreOwner,
} from '../contract.ts';
import { putStaged } from '../put-staged.ts';
import { measure } from '../measured.ts';
import { S3Access, type S3BlobStoreOptions } from './s3-access.ts';
import { isMissing, s3Answer } from './s3-errors.ts';
import { BLOB_FAMILIES, ObjectKeys } from '../object-keys.ts';
import { abortUpload, beginUpload, completeUpload, signDownload } from './s3-presigned.ts';
import { readObject, readText } from './s3-read.ts';
import { stageInS3 } from './s3-staging.ts';

/** Opens the store; nothing is loaded or sent before the first call. */
export function openS3BlobStore(options: S3BlobStoreOptions, clock: Clock): BlobStore & PresignedUploads {
  return new S3BlobStore(options, clock);
}

class S3BlobStore implements BlobStore, PresignedUploads {
  readonly #access: S3Access;
  readonly #keys: ObjectKeys;
  readonly #clock: Clock;

  constructor(options: S3BlobStoreOptions, clock: Clock) {
    this.#access = new S3Access(options);
    this.#keys = new ObjectKeys(options.prefix);
    this.#clock = clock;
  }

  async stage(source: Readable, expected: ExpectedBytes = {}): Promise<StagedBlob> {
    const dependencies = { access: this.#access, keys: this.#keys, clock: this.#clock };
    return await stageInS3(dependencies, source, expected);
  }

  async put(source: Readable, expected?: ExpectedBytes): Promise<StoredBlob> {
    return await putStaged(await this.stage(source, expected));
  }

  async get(locator: string, range?: ByteRange): Promise<Readable> {
    return await readObject(this.#access, this.#existingKey(locator), locator, range);
  }

  async stat(locator: string): Promise<BlobStat | undefined> {
    const key = this.#keys.keyOf(locator);
    if (key === undefined) return undefined;
    return await this.#access.call('checking for a blob', async (s3) => {
      try {
        const answer = await s3.headObject({ Bucket: this.#access.bucket, Key: key });
        return { locator, size: answer.ContentLength ?? 0, modifiedAt: answer.LastModified ?? new Date(0) };
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    });
  }

  async delete(locator: string, signal?: AbortSignal): Promise<void> {
    const key = this.#keys.keyOf(locator);
    if (key === undefined) return;
    signal?.throwIfAborted();
    await this.#access.call('deleting a blob', async (s3) => {
      const options = signal === undefined ? {} : { abortSignal: signal };
      await s3.deleteObject({ Bucket: this.#access.bucket, Key: key }, options);
    });
  }

  async *list(after?: string): AsyncGenerator<BlobStat> {
    for (const family of BLOB_FAMILIES) {
      const start = this.#keys.startOf(family, after);
      if (start === undefined) continue;
      for await (const object of this.#objects(this.#keys.key(family, ''), start.key)) {
        const found = this.#keys.parse(object.key);
        if (found === undefined) continue;
        yield { locator: `${found.family}:${found.name}`, size: object.size, modifiedAt: object.modifiedAt };
      }
    }
  }

  async sweep(olderThanMs: number): Promise<number> {
    const limit = this.#clock.now() - olderThanMs;
    let removed = 0;
    for await (const object of this.#objects(this.#keys.key('tmp', ''), undefined)) {
      if (this.#keys.parse(object.key) === undefined || object.modifiedAt.getTime() > limit) continue;
      await this.#access.call('removing leftovers', async (s3) => {
        await s3.deleteObject({ Bucket: this.#access.bucket, Key: object.key });
      });
      removed += 1;
    }
    for await (const upload of this.#unfinishedUploads()) {
      if (upload.startedAt.getTime() > limit) continue;
      await this.#access.call('removing leftovers', async (s3) => {
        const target = { Bucket: this.#access.bucket, Key: upload.key, UploadId: upload.id };
        try {
          await s3.abortMultipartUpload(target);
          removed += 1;
        } catch (error) {
          if (s3Answer(error).name !== 'NoSuchUpload') throw error;
        }
      });
    }
    return removed;
  }

  async claimFor(id: string): Promise<StoreOwner> {
    const target = { Bucket: this.#access.bucket, Key: `${this.#keys.prefix}owner` };
    const path = `s3://${target.Bucket}/${target.Key}`;
    return await this.#access.call('recording the owner', async (s3) => {
      const known = await readText(s3, target);
      if (known !== undefined) return { id: known.trim(), place: path };
      try {
        await s3.putObject({ ...target, Body: `${id}\n`, IfNoneMatch: '*' });
      } catch (error) {
        // Another process was faster: 412, or 409 for concurrent requests.
        if (![409, 412].includes(s3Answer(error).status ?? 0)) throw error;
      }
      // Read it back: on servers without conditional writes the last writer wins.
      return { id: (await readText(s3, target))?.trim() ?? id, place: path };
    });
  }

  async check(): Promise<void> {
    const target = { Bucket: this.#access.bucket, Key: this.#keys.key('tmp', uuidv7(this.#clock.now())) };
    await this.#access.call('writing', async (s3) => await s3.putObject({ ...target, Body: 'dais' }));
    try {
      const text = await this.#access.call('reading', async (s3) => {
        return await (await s3.getObject(target)).Body?.transformToString();
      });
      if (text !== 'dais') {
        throw new DaisError('blobs_unavailable', `bucket ${target.Bucket} returns different bytes than were written`);
      }
      // Without this permission S3 also returns 403 instead of 404 for a missing key.
      await this.#access.call('listing', async (s3) => {
        await s3.listObjectsV2({ Bucket: target.Bucket, Prefix: this.#keys.prefix, MaxKeys: 1 });
      });
    } finally {
      await this.#access.call('deleting', async (s3) => await s3.deleteObject(target));
    }
  }

  async close(): Promise<void> {
    await this.#access.close();
  }

  async begin(size: number, partBytes: number): Promise<PresignedUpload> {
    return await beginUpload(this.#access, this.#keys, this.#clock, size, partBytes);
  }

  async complete(
    upload: PresignedUpload,
    etags: readonly string[],
  ): Promise<{ readonly locator: string; readonly size: number }> {
    return await completeUpload(this.#access, this.#keys, upload, etags);
  }

  async abort(upload: PresignedUpload): Promise<void> {
    await abortUpload(this.#access, this.#keys, upload);
  }

  async verify(locator: string): Promise<StoredBlob> {
    const incoming = measure(await this.get(locator));
    for await (const _slice of incoming.bytes) {
      // Only the digest is needed.
    }
    return { locator, ...incoming.measured() };
  }

  async presignGet(locator: string, seconds: number, fileName?: string): Promise<string> {
    return await signDownload(this.#access, this.#existingKey(locator), seconds, fileName);
  }

  #existingKey(locator: string): string {
    const key = this.#keys.keyOf(locator);
    if (key === undefined) {
      throw new DaisError('content_missing', `${locator} is not in bucket ${this.#access.bucket}`);
    }
    return key;
  }

  async *#objects(prefix: string, startAfter: string | undefined): AsyncGenerator<FoundObject> {
    let token: string | undefined;
    do {
      const page = await this.#access.call('listing blobs', async (s3) => {
        return await s3.listObjectsV2({
          Bucket: this.#access.bucket,
          Prefix: prefix,
          ...(token === undefined
            ? startAfter !== undefined && { StartAfter: startAfter }
            : { ContinuationToken: token }),
        });
      });
      for (const { Key, Size, LastModified } of page.Contents ?? []) {
        if (Key !== undefined) yield { key: Key, size: Size ?? 0, modifiedAt: LastModified ?? new Date(0) };
      }
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  /** Includes uploads of clients and copies; uploads of other programs in the same bucket are not changed. */
  async *#unfinishedUploads(): AsyncGenerator<{ readonly key: string; readonly id: string; readonly startedAt: Date }> {
    let marker: { readonly KeyMarker?: string; readonly UploadIdMarker?: string } | undefined = {};
    while (marker !== undefined) {
      const from: { readonly KeyMarker?: string; readonly UploadIdMarker?: string } = marker;
      const page = await this.#access.call('listing unfinished uploads', async (s3) => {
        return await s3.listMultipartUploads({ Bucket: this.#access.bucket, Prefix: this.#keys.prefix, ...from });
      });
      for (const { Key, UploadId, Initiated } of page.Uploads ?? []) {
        if (Key === undefined || UploadId === undefined || this.#keys.parse(Key) === undefined) continue;
        yield { key: Key, id: UploadId, startedAt: Initiated ?? new Date(0) };
      }
      marker =
        page.IsTruncated === true && page.NextKeyMarker !== undefined
          ? {
              KeyMarker: page.NextKeyMarker,
              ...(page.NextUploadIdMarker !== undefined && { UploadIdMarker: page.NextUploadIdMarker }),
            }
          : undefined;
    }
  }
}

interface FoundObject {
  readonly key: string;
  readonly size: number;
  readonly modifiedAt: Date;
}
