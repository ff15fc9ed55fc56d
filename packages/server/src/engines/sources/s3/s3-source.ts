/** Objects of an S3 bucket, pinned by version id or entity tag. */
import type { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { DaisError } from '@dais/api';
import type { S3, S3ClientConfig } from '@aws-sdk/client-s3';
import { MOST_OBJECTS, type DataSource, type SourceObject } from '../contract.ts';
import { writeFetched } from '../written-file.ts';
import { globPattern, globPrefix } from './glob.ts';

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Session token of temporary credentials. */
  readonly sessionToken?: string;
}

export interface S3BucketOptions {
  readonly bucket: string;
  readonly region: string;
  readonly endpoint: string | undefined;
  readonly credentials: S3Credentials | undefined;
  /** HTTP client behind the guard against internal addresses. */
  readonly requestHandler: NonNullable<S3ClientConfig['requestHandler']>;
}

export interface S3SourceOptions extends S3BucketOptions {
  readonly glob: string;
}

export interface S3Bucket extends Pick<DataSource, 'fetch' | 'close'> {
  /** Lists matching objects in name order. `only`: filters before counting. @throws DaisError as `DataSource.list`. */
  objects(glob: string, signal: AbortSignal, only?: (name: string) => boolean): Promise<readonly SourceObject[]>;
  /** Streams the bytes of an object. @throws DaisError as `DataSource.fetch`. */
  open(object: SourceObject, signal: AbortSignal): Promise<Readable>;
  /** Reads a small object. @throws DaisError as `DataSource.fetch`; `too_large`. */
  bytes(object: SourceObject, mostBytes: number, signal: AbortSignal): Promise<Buffer>;
}

export function s3Source({ glob, ...options }: S3SourceOptions): DataSource {
  const bucket = s3Bucket(options);
  return {
    list: async (signal) => {
      const found = await bucket.objects(glob, signal);
      if (found.length > 0) return found;
      throw new DaisError('not_found', `No object in the bucket ${options.bucket} matches ${glob}.`);
    },
    fetch: async (object, path, io) => await bucket.fetch(object, path, io),
    close: async () => await bucket.close(),
  };
}

export function s3Bucket(options: S3BucketOptions): S3Bucket {
  const { bucket } = options;
  let client: Promise<S3> | undefined;
  const call = async <T>(doing: string, signal: AbortSignal, work: (s3: S3) => Promise<T>): Promise<T> => {
    try {
      return await work(await (client ??= connect(options)));
    } catch (error) {
      // The SDK throws its own error for an abort.
      signal.throwIfAborted();
      throw errorOf(error, bucket, doing);
    }
  };
  const read = async (object: SourceObject, signal: AbortSignal) => {
    const etag = object.pin.replace(/^etag /, '');
    const answer = await call(`read ${object.name}`, signal, async (s3) => {
      const only = etag === '' ? {} : { IfMatch: etag };
      return await s3.getObject({ Bucket: bucket, Key: object.name, ...only }, { abortSignal: signal });
    });
    if (answer.Body === undefined)
      throw new DaisError('upstream_failed', `the response for ${object.uri} has no content`);
    return { body: answer.Body as Readable, pin: `etag ${answer.ETag ?? etag}` };
  };
  return {
    objects: async (glob, signal, only = () => true) => {
      const pattern = globPattern(glob);
      const objects: SourceObject[] = [];
      for (let token: string | undefined; ;) {
        const page = await call('list', signal, async (s3) => {
          const continuation = token === undefined ? {} : { ContinuationToken: token };
          return await s3.listObjectsV2(
            { Bucket: bucket, Prefix: globPrefix(glob), ...continuation },
            { abortSignal: signal },
          );
        });
        for (const { Key: key = '', Size: bytes, ETag: etag = '' } of page.Contents ?? []) {
          if (!pattern.test(key) || key.endsWith('/') || !only(key)) continue;
          objects.push({ name: key, uri: `s3://${bucket}/${key}`, pin: `etag ${etag}`, bytes });
          if (objects.length > MOST_OBJECTS) {
            throw new DaisError('too_large', `More than ${MOST_OBJECTS} objects in ${bucket} match ${glob}.`);
          }
        }
        token = page.NextContinuationToken;
        if (token === undefined) break;
      }
      return objects.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    },
    open: async (object, signal) => (await read(object, signal)).body,
    bytes: async (object, mostBytes, signal) => {
      const { bytes = 0 } = object;
      if (bytes > mostBytes)
        throw new DaisError('too_large', `${object.uri} has ${bytes} bytes; the maximum is ${mostBytes}.`);
      return await buffer((await read(object, signal)).body);
    },
    fetch: async (object, path, io) => {
      const { body, pin } = await read(object, io.signal);
      return { ...(await writeFetched(body, path, io)), pin };
    },
    close: async () => {
      (await client)?.destroy();
    },
  };
}

async function connect({ region, endpoint, credentials, requestHandler }: S3BucketOptions): Promise<S3> {
  const { S3: S3Client } = await import('@aws-sdk/client-s3');
  // Without keys only public buckets are read: projects must not use the credentials of this machine.
  const anonymous = {
    signer: { sign: async <T>(request: T) => await Promise.resolve(request) },
    credentials: { accessKeyId: '', secretAccessKey: '' },
  };
  return new S3Client({
    region,
    requestHandler,
    maxAttempts: 4,
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
    ...(credentials === undefined ? anonymous : { credentials }),
  });
}

function errorOf(error: unknown, bucket: string, doing: string): unknown {
  if (error instanceof DaisError) return error;
  const { name, message, $metadata } = error as {
    readonly name: string;
    readonly message: string;
    readonly $metadata?: { readonly httpStatusCode?: number };
  };
  const status = $metadata?.httpStatusCode;
  const text = `Bucket ${bucket}: could not ${doing}: ${name}: ${message}`;
  if (status === 412) return new DaisError('conflict', `${text} (the object changed since it was listed)`);
  if (status === 404) return new DaisError('not_found', text);
  if (status !== undefined && status >= 400 && status < 500) return new DaisError('invalid_request', text);
  return name === 'AbortError' ? error : new DaisError('upstream_failed', text, { cause: error });
}
