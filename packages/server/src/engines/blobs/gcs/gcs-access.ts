import type { GoogleCredentials } from '#lib/cloud/google-credentials.ts';
import type { Clock } from '#lib/clock.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import { ObjectHttp, type ObjectRequest } from '../object-http.ts';
import { gcsCode, gcsRefusal } from './gcs-errors.ts';

export interface GcsBlobStoreOptions {
  readonly bucket: string;
  /** Prefix of all names, so that stores can share a bucket; a missing `/` at its end is added. */
  readonly prefix?: string;
  /** Default: `https://storage.googleapis.com`. */
  readonly endpoint?: string;
  /** Absent only for emulators: requests are anonymous. */
  readonly credentials?: GoogleCredentials;
  readonly outbound: Outbound;
  readonly clock: Clock;
  /** Bytes of one part of an upload, a multiple of 256 KiB, default 16 MiB. */
  readonly partBytes?: number;
  /** Maximum attempts of a request, default 6. */
  readonly attempts?: number;
  /** Base of the backoff in milliseconds, default 500. */
  readonly backoffMs?: number;
}

/** Google accepts one change of an object per second: concurrent uploads of the same bytes wait for each other. */
const ATTEMPTS = 6;
const BACKOFF_MS = 500;

/** The bucket: addresses of the JSON API, and authorized requests. */
export class GcsAccess {
  readonly options: GcsBlobStoreOptions;
  readonly where: string;
  readonly http: ObjectHttp;
  /** Without a slash at its end. */
  readonly endpoint: string;

  constructor(options: GcsBlobStoreOptions) {
    const { bucket, endpoint, credentials, outbound, clock, attempts = ATTEMPTS, backoffMs = BACKOFF_MS } = options;
    this.options = options;
    this.endpoint = (endpoint ?? 'https://storage.googleapis.com').replace(/\/+$/, '');
    this.where = `bucket ${bucket} of Google Cloud Storage${endpoint === undefined ? '' : ` at ${this.endpoint}`}`;
    this.http = new ObjectHttp({
      outbound,
      clock,
      where: this.where,
      attempts,
      backoffMs,
      sign: async (request) => await this.#sign(request),
      renew: ({ authorization = '' }) => credentials?.tokens.forget(authorization.replace(/^Bearer /, '')) ?? false,
      refusal: (answer, doing) => gcsRefusal(answer, doing, this.where),
      codeOf: gcsCode,
    });
  }

  /** The URL of an object. */
  objectUrl(name: string, query: Readonly<Record<string, string>> = {}): URL {
    return this.url(`/storage/v1/b/${this.#bucket}/o/${escapeName(name)}`, query);
  }

  /** The URL of the list of objects. */
  objectsUrl(query: Readonly<Record<string, string>>): URL {
    return this.url(`/storage/v1/b/${this.#bucket}/o`, query);
  }

  /** The URL that accepts new objects. */
  uploadUrl(query: Readonly<Record<string, string>>): URL {
    return this.url(`/upload/storage/v1/b/${this.#bucket}/o`, query);
  }

  /** The URL that copies an object inside the bucket. */
  rewriteUrl(from: string, to: string, query: Readonly<Record<string, string>>): URL {
    const target = `rewriteTo/b/${this.#bucket}/o/${escapeName(to)}`;
    return this.url(`/storage/v1/b/${this.#bucket}/o/${escapeName(from)}/${target}`, query);
  }

  url(path: string, query: Readonly<Record<string, string>>): URL {
    const url = new URL(`${this.endpoint}${path}`);
    for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
    return url;
  }

  get #bucket(): string {
    return encodeURIComponent(this.options.bucket);
  }

  async #sign({ url, headers }: ObjectRequest): Promise<{ url: string; headers: Record<string, string> }> {
    const { credentials } = this.options;
    // The address of an upload session is a credential itself, and the server chooses its host.
    const isOwn = url.origin === new URL(this.endpoint).origin && !url.searchParams.has('upload_id');
    const token = isOwn ? await credentials?.tokens.get() : undefined;
    return { url: url.href, headers: { ...headers, ...(token !== undefined && { authorization: `Bearer ${token}` }) } };
  }
}

/** A name in a path, as RFC 3986 and the signatures of Google escape it. */
export function escapeName(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
