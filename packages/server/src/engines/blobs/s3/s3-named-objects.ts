/** Named objects as objects of a bucket, below a prefix of their own: content has the prefixes of its families. */
import { DaisError } from '@dais/api';
import { requireObjectName, type NamedObject, type NamedObjects, type ObjectFamily } from '../contract.ts';
import { namedPrefix } from '../object-keys.ts';
import { S3Access, type S3BlobStoreOptions } from './s3-access.ts';
import { isMissing } from './s3-errors.ts';

/** Opens the store; nothing is loaded or sent before the first call. Keys are `<prefix><family>/<name>`. */
export function openS3NamedObjects(options: S3BlobStoreOptions, family: ObjectFamily): NamedObjects {
  return new S3NamedObjects(options, family);
}

class S3NamedObjects implements NamedObjects {
  readonly #access: S3Access;
  readonly #prefix: string;

  constructor(options: S3BlobStoreOptions, family: ObjectFamily) {
    this.#access = new S3Access(options);
    this.#prefix = namedPrefix(options.prefix, family);
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    await this.#access.call('writing an object', async (s3) => {
      await s3.putObject({ ...this.#target(name), Body: bytes });
    });
  }

  async get(name: string): Promise<Buffer> {
    return await this.#access.call('reading an object', async (s3) => {
      try {
        const answer = await s3.getObject(this.#target(name));
        return Buffer.from((await answer.Body?.transformToByteArray()) ?? []);
      } catch (error) {
        if (!isMissing(error)) throw error;
        throw new DaisError('content_missing', `There is no object ${name} in bucket ${this.#access.bucket}.`);
      }
    });
  }

  async *list(prefix: string): AsyncGenerator<NamedObject> {
    for (let token: string | undefined; ;) {
      const page = await this.#access.call('listing objects', async (s3) => {
        return await s3.listObjectsV2({
          Bucket: this.#access.bucket,
          Prefix: `${this.#prefix}${prefix}`,
          ...(token !== undefined && { ContinuationToken: token }),
        });
      });
      for (const { Key: key = '', Size: size = 0, LastModified: modifiedAt = new Date(0) } of page.Contents ?? []) {
        yield { name: key.slice(this.#prefix.length), size, modifiedAt };
      }
      token = page.NextContinuationToken;
      if (token === undefined) return;
    }
  }

  async delete(name: string): Promise<void> {
    await this.#access.call('deleting an object', async (s3) => {
      await s3.deleteObject(this.#target(name));
    });
  }

  async close(): Promise<void> {
    await this.#access.close();
  }

  #target(name: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#access.bucket, Key: `${this.#prefix}${requireObjectName(name)}` };
  }
}
