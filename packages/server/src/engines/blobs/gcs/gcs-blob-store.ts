/** Stores blobs in a bucket of Google Cloud Storage, by its JSON API. */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { DaisError } from '@dais/api/errors';
import { uuidv7 } from '#lib/ids.ts';
import type { OutboundAnswer } from '#lib/outbound/outbound.ts';
import type { ByteRange } from '../contract.ts';
import { ObjectBlobStore, type ObjectStore } from '../object-blob-store.ts';
import { readError } from '../object-http.ts';
import { ObjectKeys } from '../object-keys.ts';
import type { ListedObject, ObjectInfo, ObjectService, ObjectUpload } from '../object-service.ts';
import type { OpenedObject } from '../resumed-read.ts';
import { GcsAccess, type GcsBlobStoreOptions } from './gcs-access.ts';
import { isBucketMissing } from './gcs-errors.ts';
import { signDownload } from './gcs-signature.ts';
import { startUpload } from './gcs-upload.ts';

const PART_BYTES = 16 * 2 ** 20;
/** Parts of an upload are multiples of this. */
const PART_UNIT = 256 * 1024;
const LARGEST_OBJECT_BYTES = 5 * 2 ** 40;
/** A copy inside a location is one request; between locations or storage classes, each request copies a part. */
const COPY_LIMIT_MS = 3_600_000;

/** Opens the store; nothing is sent before the first call. */
export function openGcsBlobStore(options: GcsBlobStoreOptions): ObjectStore {
  if ((options.partBytes ?? PART_BYTES) % PART_UNIT !== 0) throw new RangeError('a part has a multiple of 256 KiB');
  return new ObjectBlobStore(new GcsService(options), new ObjectKeys(options.prefix), options.clock);
}

/** The requests of the service. */
export class GcsService implements ObjectService {
  readonly partBytes: number;
  readonly maxParts: number;
  /** A session accepts parts in order only. */
  readonly parallelParts = 1;
  readonly presign?: NonNullable<ObjectService['presign']>;
  readonly #access: GcsAccess;

  constructor(options: GcsBlobStoreOptions) {
    this.#access = new GcsAccess(options);
    this.partBytes = options.partBytes ?? PART_BYTES;
    this.maxParts = Math.floor(LARGEST_OBJECT_BYTES / this.partBytes);
    const signer = options.credentials?.signer;
    if (signer === undefined) return;
    const { bucket, clock } = options;
    const { endpoint } = this.#access;
    const contentType = 'application/octet-stream';
    this.presign = async (name, seconds, disposition) => {
      const download = { endpoint, bucket, name, now: clock.now(), seconds, disposition, contentType };
      return await Promise.resolve(signDownload(signer, download));
    };
  }

  get where(): string {
    return this.#access.where;
  }

  addressOf(key: string): string {
    return `gs://${this.#access.options.bucket}/${key}`;
  }

  async write(key: string, bytes: Buffer): Promise<void> {
    await this.#insert(key, bytes, {});
  }

  async writeNew(key: string, bytes: Buffer): Promise<void> {
    await this.#insert(key, bytes, { ifGenerationMatch: '0' }, [412]);
  }

  async startUpload(key: string): Promise<ObjectUpload> {
    return await startUpload(this.#access, key, this.partBytes);
  }

  async copy(from: string, to: string): Promise<boolean> {
    const { http, options } = this.#access;
    const until = options.clock.now() + COPY_LIMIT_MS;
    const doing = 'copying a blob';
    for (let token = ''; options.clock.now() < until;) {
      const url = this.#access.rewriteUrl(from, to, token === '' ? {} : { rewriteToken: token });
      const answer = await http.send({ method: 'POST', url, accept: [404], doing });
      if (answer.status === 404) {
        if (isBucketMissing(answer)) throw http.refused(answer, doing);
        return false;
      }
      const state = this.#parse(answer) as { readonly done?: boolean; readonly rewriteToken?: string };
      if (state.done === true) return true;
      token = state.rewriteToken ?? '';
    }
    throw new DaisError('blobs_unavailable', `a copy in ${this.where} did not end within an hour`);
  }

  async open(
    key: string,
    range: ByteRange | undefined,
    version: string | undefined,
    locator: string,
  ): Promise<OpenedObject | undefined> {
    const { http } = this.#access;
    const answer = await http.stream({
      method: 'GET',
      url: this.#access.objectUrl(key, { alt: 'media' }),
      headers: range === undefined ? {} : { range: `bytes=${range.start}-${range.end}` },
      accept: [404, 416],
      doing: 'reading a blob',
    });
    if (answer.status < 300) return openedBody(answer, version, locator);
    const refused = { ...answer, body: await readError(answer.body) };
    if (answer.status === 416) throw new DaisError('range_not_satisfiable', `the range is outside ${locator}`);
    if (isBucketMissing(refused)) throw http.refused(refused, 'reading a blob');
    return undefined;
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    const { http } = this.#access;
    const doing = 'checking for a blob';
    const url = this.#access.objectUrl(key, { fields: 'size,timeCreated' });
    const answer = await http.send({ method: 'GET', url, accept: [404], doing });
    if (answer.status < 300) return infoOf(this.#parse(answer) as ObjectResource);
    if (isBucketMissing(answer)) throw http.refused(answer, doing);
    return undefined;
  }

  async delete(key: string, signal?: AbortSignal): Promise<void> {
    const { http } = this.#access;
    const doing = 'deleting a blob';
    const answer = await http.send({
      method: 'DELETE',
      url: this.#access.objectUrl(key),
      accept: [404],
      doing,
      signal,
    });
    if (isBucketMissing(answer)) throw http.refused(answer, doing);
  }

  async *list(prefix: string, after: string | undefined): AsyncGenerator<ListedObject> {
    let token: string | undefined;
    do {
      const url = this.#access.objectsUrl({
        prefix,
        fields: 'items(name,size,timeCreated),nextPageToken',
        ...(after !== undefined && { startOffset: after }),
        ...(token !== undefined && { pageToken: token }),
      });
      const answer = await this.#access.http.send({ method: 'GET', url, doing: 'listing blobs' });
      const page = this.#parse(answer) as {
        readonly items?: readonly ObjectResource[];
        readonly nextPageToken?: string;
      };
      for (const item of page.items ?? []) {
        // The position itself is part of the page.
        if (item.name !== undefined && item.name !== after) yield { key: item.name, ...infoOf(item) };
      }
      token = page.nextPageToken;
    } while (token !== undefined && token !== '');
  }

  asError(error: unknown, doing: string): unknown {
    return this.#access.http.asError(error, doing);
  }

  /** One request with the properties and the bytes, so that the service compares the digest before it stores anything. */
  async #insert(
    key: string,
    bytes: Buffer,
    conditions: Readonly<Record<string, string>>,
    accept: readonly number[] = [],
  ): Promise<void> {
    const boundary = uuidv7(this.#access.options.clock.now());
    const contentType = 'application/octet-stream';
    const properties = { name: key, contentType, md5Hash: createHash('md5').update(bytes).digest('base64') };
    const body = Buffer.concat([
      Buffer.from(
        `--${boundary}\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n${JSON.stringify(properties)}`,
      ),
      Buffer.from(`\r\n--${boundary}\r\ncontent-type: ${contentType}\r\n\r\n`),
      bytes,
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ]);
    await this.#access.http.send({
      method: 'POST',
      url: this.#access.uploadUrl({ uploadType: 'multipart', ...conditions }),
      headers: { 'content-type': `multipart/related; boundary=${boundary}` },
      body,
      accept,
      doing: 'writing a blob',
    });
  }

  #parse({ body }: OutboundAnswer<Buffer>): unknown {
    try {
      return JSON.parse(body.toString('utf8'));
    } catch {
      throw new DaisError('blobs_unavailable', `${this.where} returned no JSON document`);
    }
  }
}

function openedBody(answer: OutboundAnswer<Readable>, version: string | undefined, locator: string): OpenedObject {
  const { body, headers } = answer;
  // Errors after the last read have no listener.
  body.on('error', () => {});
  // Two uploads of the same bytes have the same digests, but not the same generation.
  const found = headers['x-goog-hash'] ?? headers['x-goog-generation'];
  if (version !== undefined && found !== version) {
    body.destroy();
    throw new DaisError('blobs_unavailable', `${locator} was replaced while it was read`);
  }
  return { body, length: Number(headers['content-length'] ?? 0), version: found };
}

interface ObjectResource {
  readonly name?: string;
  readonly size?: string;
  readonly timeCreated?: string;
}

function infoOf({ size, timeCreated }: ObjectResource): ObjectInfo {
  return { size: Number(size ?? 0), modifiedAt: new Date(timeCreated ?? 0) };
}
