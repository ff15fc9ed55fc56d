import type { S3, S3ClientConfig } from '@aws-sdk/client-s3';
import { s3Error } from './s3-errors.ts';

export interface S3BlobStoreOptions {
  readonly bucket: string;
  /** Prefix of all keys, so that stores can share a bucket; a missing `/` at its end is added. */
  readonly prefix?: string;
  readonly region: string;
  /** The endpoint of a compatible server or a VPC endpoint. Default: AWS. */
  readonly endpoint?: string;
  /** The endpoint that clients use for the same store, for presigned URLs; default `endpoint`. */
  readonly publicEndpoint?: string;
  /** `http://host/bucket/key` instead of `http://bucket.host/key`; most compatible servers need it. */
  readonly pathStyle?: boolean;
  /** Absent: the SDK's default chain (environment, profile, web identity, instance role). */
  readonly credentials?: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
  /**
   * Size of one part of a multipart upload, 5 MiB to 5 GiB, default 16 MiB. Up to four parts are in memory at a time,
   * and a blob has at most 10,000 parts: the default carries 156 GiB.
   */
  readonly partBytes?: number;
  /** Size of one part of a copy inside S3, 5 MiB to 5 GiB, default 512 MiB; smaller blobs are copied in one request. */
  readonly copyPartBytes?: number;
  /** Milliseconds to connect, default 5,000. */
  readonly connectTimeoutMs?: number;
  /** Milliseconds without data until a connection times out, default 60,000. */
  readonly silenceTimeoutMs?: number;
  /** Maximum attempts of a request, default 4, with exponential backoff of up to 20 s. */
  readonly attempts?: number;
  /** The HTTP client for requests; absent: the client of the SDK, which does not support a proxy. */
  readonly requestHandler?: NonNullable<S3ClientConfig['requestHandler']>;
}

/** The bucket, its client (loaded at the first use) and the translation of its errors. */
export class S3Access {
  readonly options: S3BlobStoreOptions;
  #client: Promise<S3> | undefined;
  #publicClient: Promise<S3> | undefined;

  constructor(options: S3BlobStoreOptions) {
    this.options = options;
  }

  get bucket(): string {
    return this.options.bucket;
  }

  /** Runs requests and translates their errors. `doing` completes “do not allow …” and “failed while …”. */
  async call<T>(doing: string, work: (s3: S3) => Promise<T>): Promise<T> {
    try {
      return await work(await this.client());
    } catch (error) {
      throw s3Error(error, this.options, doing);
    }
  }

  async client(): Promise<S3> {
    this.#client ??= open(this.options, this.options.endpoint);
    return await this.#client;
  }

  /** Signs URLs for clients, never sends anything. */
  async publicClient(): Promise<S3> {
    this.#publicClient ??= open(this.options, this.options.publicEndpoint ?? this.options.endpoint);
    return await this.#publicClient;
  }

  async close(): Promise<void> {
    const clients = [this.#client, this.#publicClient];
    this.#client = undefined;
    this.#publicClient = undefined;
    for (const client of clients) (await client)?.destroy();
  }
}

async function open(options: S3BlobStoreOptions, endpoint: string | undefined): Promise<S3> {
  const { S3 } = await import('@aws-sdk/client-s3');
  return new S3({
    region: options.region,
    ...(endpoint !== undefined && { endpoint }),
    ...(options.credentials !== undefined && { credentials: options.credentials }),
    forcePathStyle: options.pathStyle ?? false,
    maxAttempts: options.attempts ?? 4,
    retryMode: 'standard',
    // Compatible servers support the newer checksum headers only in part. Every body is a buffer whose SHA-256 is part of the
    // signature, so that the server rejects bytes that changed in transit.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: options.requestHandler ?? {
      connectionTimeout: options.connectTimeoutMs ?? 5000,
      socketTimeout: options.silenceTimeoutMs ?? 60_000,
      // A reader keeps its connection until it has read the blob: with the SDK's limit of 50, slow readers would block all
      // puts.
      httpAgent: { keepAlive: true, maxSockets: 512 },
      httpsAgent: { keepAlive: true, maxSockets: 512 },
    },
  });
}
