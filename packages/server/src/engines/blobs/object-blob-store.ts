/** A blob store on the requests of an object store (Azure Blob Storage, Google Cloud Storage). */
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { DaisError } from '@dais/api/errors';
import type { Clock } from '#lib/clock.ts';
import { uuidv7 } from '#lib/ids.ts';
import type {
  BlobStat,
  BlobStore,
  ByteRange,
  ExpectedBytes,
  PresignedUploads,
  StagedBlob,
  StoredBlob,
  StoreOwner,
} from './contract.ts';
import { putStaged } from './put-staged.ts';
import { downloadDisposition } from './download-disposition.ts';
import { BLOB_FAMILIES, type ObjectKeys } from './object-keys.ts';
import type { ObjectService } from './object-service.ts';
import { stageObject } from './object-staging.ts';
import { readResumed } from './resumed-read.ts';

/** What both stores accept as the life of a signed URL. */
const LONGEST_URL_SECONDS = 7 * 24 * 3600;

export type ObjectStore = BlobStore & Partial<Pick<PresignedUploads, 'presignGet'>>;

export class ObjectBlobStore implements ObjectStore {
  readonly #service: ObjectService;
  readonly #keys: ObjectKeys;
  readonly #clock: Clock;
  /** Absent when the credentials cannot sign; Dais then returns the bytes itself. */
  readonly presignGet?: PresignedUploads['presignGet'];

  constructor(service: ObjectService, keys: ObjectKeys, clock: Clock) {
    this.#service = service;
    this.#keys = keys;
    this.#clock = clock;
    const { presign } = service;
    if (presign === undefined) return;
    this.presignGet = async (locator, seconds, fileName) => {
      if (!Number.isInteger(seconds) || seconds < 1 || seconds > LONGEST_URL_SECONDS) {
        const detail = `a download URL is valid for 1 to ${LONGEST_URL_SECONDS} seconds`;
        throw new DaisError('invalid_request', detail);
      }
      return await presign(this.#existingKey(locator), seconds, downloadDisposition(fileName));
    };
  }

  async stage(source: Readable, expected: ExpectedBytes = {}): Promise<StagedBlob> {
    const dependencies = { service: this.#service, keys: this.#keys, clock: this.#clock };
    return await stageObject(dependencies, source, expected);
  }

  async put(source: Readable, expected?: ExpectedBytes): Promise<StoredBlob> {
    return await putStaged(await this.stage(source, expected));
  }

  async get(locator: string, range?: ByteRange): Promise<Readable> {
    const key = this.#existingKey(locator);
    return await readResumed(
      locator,
      range,
      async (part, version) => {
        const opened = await this.#service.open(key, part, version, locator);
        if (opened === undefined) throw this.#missing(locator);
        return opened;
      },
      (error) => this.#service.asError(error, 'reading a blob'),
    );
  }

  async stat(locator: string): Promise<BlobStat | undefined> {
    const key = this.#keys.keyOf(locator);
    const found = key === undefined ? undefined : await this.#service.head(key);
    return found && { locator, size: found.size, modifiedAt: found.modifiedAt };
  }

  async delete(locator: string, signal?: AbortSignal): Promise<void> {
    const key = this.#keys.keyOf(locator);
    if (key === undefined) return;
    signal?.throwIfAborted();
    await this.#service.delete(key, signal);
  }

  async *list(after?: string): AsyncGenerator<BlobStat> {
    for (const family of BLOB_FAMILIES) {
      const start = this.#keys.startOf(family, after);
      if (start === undefined) continue;
      for await (const { key, size, modifiedAt } of this.#service.list(this.#keys.key(family, ''), start.key)) {
        const found = this.#keys.parse(key);
        if (found !== undefined) yield { locator: `${found.family}:${found.name}`, size, modifiedAt };
      }
    }
  }

  async sweep(olderThanMs: number): Promise<number> {
    const limit = this.#clock.now() - olderThanMs;
    let removed = 0;
    for await (const { key, modifiedAt } of this.#service.list(this.#keys.key('tmp', ''), undefined)) {
      if (this.#keys.parse(key) === undefined || modifiedAt.getTime() > limit) continue;
      await this.#service.delete(key);
      removed += 1;
    }
    for await (const upload of this.#service.unfinished?.(this.#keys.key('tmp', '')) ?? []) {
      if (this.#keys.parse(upload.key) === undefined || upload.startedAt.getTime() > limit) continue;
      await upload.remove();
      removed += 1;
    }
    return removed;
  }

  async claimFor(id: string): Promise<StoreOwner> {
    const key = `${this.#keys.prefix}owner`;
    const place = this.#service.addressOf(key);
    const known = await this.#textOf(key);
    if (known !== undefined) return { id: known.trim(), place };
    await this.#service.writeNew(key, Buffer.from(`${id}\n`));
    // Another process may have been faster.
    return { id: (await this.#textOf(key))?.trim() ?? id, place };
  }

  async check(): Promise<void> {
    const key = this.#keys.key('tmp', uuidv7(this.#clock.now()));
    await this.#service.write(key, Buffer.from('dais'));
    try {
      if ((await this.#textOf(key)) !== 'dais') {
        const detail = `${this.#service.where} returns different bytes than were written`;
        throw new DaisError('blobs_unavailable', detail);
      }
      for await (const _one of this.#service.list(key, undefined)) break;
    } finally {
      await this.#service.delete(key);
    }
  }

  async close(): Promise<void> {
    // The creator of the outbound client closes its connections.
  }

  #existingKey(locator: string): string {
    const key = this.#keys.keyOf(locator);
    if (key === undefined) throw this.#missing(locator);
    return key;
  }

  #missing(locator: string): DaisError {
    return new DaisError('content_missing', `${locator} is not in ${this.#service.where}`);
  }

  async #textOf(key: string): Promise<string | undefined> {
    const opened = await this.#service.open(key, undefined, undefined, key);
    if (opened === undefined) return undefined;
    try {
      return await text(opened.body);
    } catch (error) {
      throw this.#service.asError(error, 'reading');
    }
  }
}
