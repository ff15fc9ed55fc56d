/** Stores blobs in a container of Azure Blob Storage. */
import { createHash } from 'node:crypto';
import { DaisError } from '@dais/api/errors';
import type { OutboundAnswer } from '#lib/outbound/outbound.ts';
import type { ByteRange } from '../contract.ts';
import { ObjectBlobStore, type ObjectStore } from '../object-blob-store.ts';
import { ObjectKeys } from '../object-keys.ts';
import type { ListedObject, ObjectInfo, ObjectService, ObjectUpload, UnfinishedUpload } from '../object-service.ts';
import type { OpenedObject } from '../resumed-read.ts';
import { AzureAccess, type AzureBlobStoreOptions } from './azure-access.ts';
import { azureCode, isBlobMissing } from './azure-errors.ts';
import { listBlobs } from './azure-list.ts';
import { signSas } from './azure-signature.ts';

const BLOCK_BYTES = 16 * 2 ** 20;
/** Limits of Azure. */
const MAX_BLOCKS = 50_000;
const LARGEST_BLOCK_BYTES = 4000 * 2 ** 20;
const PARALLEL_BLOCKS = 4;
/** A copy inside an account takes seconds; a large one across its machines can take longer. */
const COPY_LIMIT_MS = 3_600_000;
const COPY_POLL_MS = 5000;

/** Opens the store; nothing is sent before the first call. @throws DaisError `invalid_config`. */
export function openAzureBlobStore(options: AzureBlobStoreOptions): ObjectStore {
  const { blockBytes = BLOCK_BYTES } = options;
  if (blockBytes > LARGEST_BLOCK_BYTES) throw new RangeError('a block has at most 4,000 MiB');
  return new ObjectBlobStore(new AzureService(options), new ObjectKeys(options.prefix), options.clock);
}

/** The requests of the service. */
export class AzureService implements ObjectService {
  readonly partBytes: number;
  readonly maxParts = MAX_BLOCKS;
  readonly parallelParts = PARALLEL_BLOCKS;
  readonly presign?: NonNullable<ObjectService['presign']>;
  readonly #access: AzureAccess;

  constructor(options: AzureBlobStoreOptions) {
    this.#access = new AzureAccess(options);
    this.partBytes = options.blockBytes ?? BLOCK_BYTES;
    const { credentials, account, container, clock } = options;
    // A SAS token or an identity cannot sign for others.
    if (!('accountKey' in credentials)) return;
    const key = { account, accountKey: credentials.accountKey };
    this.presign = async (name, seconds, disposition) => {
      const url = this.#access.blobUrl(name);
      const expiresAt = clock.now() + seconds * 1000;
      const insecure = url.protocol === 'http:';
      const contentType = 'application/octet-stream';
      const sas = { container, blob: name, permissions: 'r', expiresAt, disposition, contentType, insecure };
      url.search = signSas(key, sas).toString();
      return await Promise.resolve(url.href);
    };
  }

  get where(): string {
    return this.#access.where;
  }

  addressOf(key: string): string {
    return this.#access.blobUrl(key).href;
  }

  async write(key: string, bytes: Buffer): Promise<void> {
    await this.#putBlob(key, bytes, {});
  }

  async writeNew(key: string, bytes: Buffer): Promise<void> {
    const answer = await this.#putBlob(key, bytes, { 'if-none-match': '*' }, [409, 412]);
    if (answer.status === 409 && azureCode(answer) !== 'BlobAlreadyExists') {
      throw this.#access.http.refused(answer, 'writing a blob');
    }
  }

  async startUpload(key: string): Promise<ObjectUpload> {
    const { http } = this.#access;
    const ids: string[] = [];
    return await Promise.resolve({
      send: async (index, bytes) => {
        const id = blockId(index);
        ids[index] = id;
        const url = this.#access.blobUrl(key, { comp: 'block', blockid: id });
        await http.send({ method: 'PUT', url, headers: checked(bytes), body: bytes, doing: 'writing a blob' });
      },
      complete: async () => {
        await this.#putBlockList(key, ids, {});
      },
      abort: async () => await this.#removeBlocks(key),
    } satisfies ObjectUpload);
  }

  async copy(from: string, to: string): Promise<boolean> {
    const { http, options } = this.#access;
    const doing = 'copying a blob';
    const until = options.clock.now() + COPY_LIMIT_MS;
    for (let pause = 50; ; pause = Math.min(pause * 2, COPY_POLL_MS)) {
      const answer = await http.send({
        method: 'PUT',
        url: this.#access.blobUrl(to),
        headers: { 'x-ms-copy-source': this.#access.sourceUrl(from) },
        accept: [404, 409],
        doing,
      });
      if (answer.status < 300) {
        if (answer.headers['x-ms-copy-status'] !== 'pending') return true;
        return await this.#copied(to, answer.headers['x-ms-copy-id'], until);
      }
      if (isBlobMissing(answer)) return false;
      // Another process copies the same content to the same name.
      const isBusy = azureCode(answer) === 'PendingCopyOperation' && options.clock.now() < until;
      if (!isBusy) throw http.refused(answer, doing);
      await http.pause(pause);
    }
  }

  async open(
    key: string,
    range: ByteRange | undefined,
    version: string | undefined,
    locator: string,
  ): Promise<OpenedObject | undefined> {
    const { http } = this.#access;
    const doing = 'reading a blob';
    const answer = await http.stream({
      method: 'GET',
      url: this.#access.blobUrl(key),
      headers: {
        ...(range !== undefined && { 'x-ms-range': `bytes=${range.start}-${range.end}` }),
        ...(version !== undefined && { 'if-match': version }),
      },
      accept: [404, 412, 416],
      doing,
    });
    if (answer.status < 300) {
      // Errors after the last read have no listener.
      answer.body.on('error', () => {});
      return {
        body: answer.body,
        length: Number(answer.headers['content-length'] ?? 0),
        version: answer.headers['etag'],
      };
    }
    answer.body.on('error', () => {}).destroy();
    const empty = { ...answer, body: Buffer.alloc(0) };
    if (isBlobMissing(empty)) return undefined;
    if (answer.status === 416) throw new DaisError('range_not_satisfiable', `the range is outside ${locator}`);
    if (answer.status === 412) throw new DaisError('blobs_unavailable', `${locator} was replaced while it was read`);
    throw http.refused(empty, doing);
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    const answer = await this.#head(key, 'checking for a blob');
    return (
      answer && {
        size: Number(answer.headers['content-length'] ?? 0),
        modifiedAt: new Date(answer.headers['last-modified'] ?? 0),
      }
    );
  }

  async delete(key: string, signal?: AbortSignal): Promise<void> {
    const { http } = this.#access;
    const answer = await http.send({
      method: 'DELETE',
      url: this.#access.blobUrl(key),
      // Without it, a blob with snapshots cannot be deleted.
      headers: { 'x-ms-delete-snapshots': 'include' },
      accept: [404],
      doing: 'deleting a blob',
      signal,
    });
    if (answer.status === 404 && !isBlobMissing(answer)) throw http.refused(answer, 'deleting a blob');
  }

  async *list(prefix: string, after: string | undefined): AsyncGenerator<ListedObject> {
    for await (const { key, size, modifiedAt } of listBlobs(this.#access, prefix, { after })) {
      yield { key, size, modifiedAt: modifiedAt ?? new Date(0) };
    }
  }

  /** Azure keeps blocks without a block list for a week, as a blob of size 0 that only such a listing contains. */
  async *unfinished(prefix: string): AsyncGenerator<UnfinishedUpload> {
    const committed = new Set<string>();
    for await (const { key } of listBlobs(this.#access, prefix, {})) committed.add(key);
    for await (const blob of listBlobs(this.#access, prefix, { uncommitted: true })) {
      const startedAt = blob.modifiedAt ?? timeOfId(blob.key);
      if (startedAt === undefined || committed.has(blob.key)) continue;
      yield { key: blob.key, startedAt, remove: async () => await this.#removeBlocks(blob.key) };
    }
  }

  asError(error: unknown, doing: string): unknown {
    return this.#access.http.asError(error, doing);
  }

  async #putBlob(
    key: string,
    bytes: Buffer,
    conditions: Readonly<Record<string, string>>,
    accept: readonly number[] = [],
  ): Promise<OutboundAnswer<Buffer>> {
    return await this.#access.http.send({
      method: 'PUT',
      url: this.#access.blobUrl(key),
      headers: {
        ...checked(bytes),
        ...conditions,
        'x-ms-blob-type': 'BlockBlob',
        'x-ms-blob-content-type': 'application/octet-stream',
      },
      body: bytes,
      accept,
      doing: 'writing a blob',
    });
  }

  async #head(key: string, doing: string): Promise<OutboundAnswer<Buffer> | undefined> {
    const { http } = this.#access;
    const answer = await http.send({ method: 'HEAD', url: this.#access.blobUrl(key), accept: [404], doing });
    if (answer.status < 300) return answer;
    if (isBlobMissing(answer)) return undefined;
    throw http.refused(answer, doing);
  }

  async #copied(key: string, id: string | undefined, until: number): Promise<boolean> {
    const { http, options } = this.#access;
    for (let pause = 50; options.clock.now() < until; pause = Math.min(pause * 2, COPY_POLL_MS)) {
      await http.pause(pause);
      const answer = await this.#head(key, 'copying a blob');
      const status = answer?.headers['x-ms-copy-status'];
      if (status === 'pending') continue;
      if (status === 'success') return true;
      const state = answer === undefined ? 'removed' : (status ?? 'unknown');
      throw new DaisError('blobs_unavailable', `a copy in ${this.where} ended with the status ${state}`);
    }
    throw new DaisError('blobs_unavailable', `copy ${id ?? ''} in ${this.where} did not end within an hour`);
  }

  async #putBlockList(
    key: string,
    ids: readonly string[],
    conditions: Readonly<Record<string, string>>,
    accept: readonly number[] = [],
  ): Promise<OutboundAnswer<Buffer>> {
    const list = ids.map((id) => `<Latest>${id}</Latest>`).join('');
    const body = Buffer.from(`<?xml version="1.0" encoding="utf-8"?><BlockList>${list}</BlockList>`);
    return await this.#access.http.send({
      method: 'PUT',
      url: this.#access.blobUrl(key, { comp: 'blocklist' }),
      headers: { ...checked(body), ...conditions, 'x-ms-blob-content-type': 'application/octet-stream' },
      body,
      accept,
      doing: 'writing a blob',
    });
  }

  /** Azure has no request that discards blocks. An empty list of blocks does, unless there is a blob already. */
  async #removeBlocks(key: string): Promise<void> {
    const answer = await this.#putBlockList(key, [], { 'if-none-match': '*' }, [409, 412]);
    if (answer.status < 300) await this.delete(key);
  }
}

/** All ids of a blob have the same length. */
function blockId(index: number): string {
  return Buffer.from(String(index).padStart(9, '0')).toString('base64');
}

/** The service compares the digest, so that it rejects bytes that changed on the way. */
function checked(bytes: Buffer): { readonly 'content-md5': string } {
  return { 'content-md5': createHash('md5').update(bytes).digest('base64') };
}

/** The time in a version 7 UUID at the end of a key. */
function timeOfId(key: string): Date | undefined {
  const hex = /([0-9a-f]{8})-([0-9a-f]{4})-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/.exec(key);
  return hex === null ? undefined : new Date(Number.parseInt(`${hex[1]}${hex[2]}`, 16));
}
