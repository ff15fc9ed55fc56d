/** Objects of an S3 bucket, pinned by version id or entity tag. */
import type { Readable } from 'node:stream';
import { DaisError } from '@dais/api';
import type { S3, S3ClientConfig } from '@aws-sdk/client-s3';
import { MOST_OBJECTS, type DataSource, type SourceObject } from '../contract.ts';
import { writeFetched } from '../written-file.ts';
import { globPattern, globPrefix } from './glob.ts';

export interface S3SourceOptions {
  readonly bucket: string;
  readonly glob: string;
  readonly region: string;
  readonly endpoint: string | undefined;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined;
  /** Carries the requests through the guard against addresses inside of the network. */
  readonly requestHandler: NonNullable<S3ClientConfig['requestHandler']>;
}

export function s3Source(options: S3SourceOptions): DataSource {
  const { bucket, glob } = options;
  let client: Promise<S3> | undefined;
  const call = async <T>(doing: string, work: (s3: S3) => Promise<T>): Promise<T> => {
    try {
      return await work(await (client ??= connect(options)));
    } catch (error) {
      throw faultOf(error, bucket, doing);
    }
  };
  return {
    list: async (signal) => {
      const pattern = globPattern(glob);
      const objects: SourceObject[] = [];
      for (let token: string | undefined; ;) {
        const page = await call('list', async (s3) => {
          const place = token === undefined ? {} : { ContinuationToken: token };
          return await s3.listObjectsV2(
            { Bucket: bucket, Prefix: globPrefix(glob), ...place },
            { abortSignal: signal },
          );
        });
        for (const { Key: key = '', Size: bytes, ETag: etag = '' } of page.Contents ?? []) {
          if (!pattern.test(key) || key.endsWith('/')) continue;
          objects.push({ name: key, uri: `s3://${bucket}/${key}`, pin: `etag ${etag}`, bytes });
          if (objects.length > MOST_OBJECTS) {
            throw new DaisError('too_large', `More than ${MOST_OBJECTS} objects of ${bucket} fit ${glob}.`);
          }
        }
        token = page.NextContinuationToken;
        if (token === undefined) break;
      }
      if (objects.length === 0) throw new DaisError('not_found', `No object of the bucket ${bucket} fits ${glob}.`);
      return objects.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    },
    fetch: async (object, path, io) => {
      const etag = object.pin.replace(/^etag /, '');
      const answer = await call(`read ${object.name}`, async (s3) => {
        const only = etag === '' ? {} : { IfMatch: etag };
        return await s3.getObject({ Bucket: bucket, Key: object.name, ...only }, { abortSignal: io.signal });
      });
      if (answer.Body === undefined) throw new DaisError('upstream_failed', `${object.uri} came without bytes`);
      return { ...(await writeFetched(answer.Body as Readable, path, io)), pin: `etag ${answer.ETag ?? etag}` };
    },
    close: async () => {
      (await client)?.destroy();
    },
  };
}

async function connect({ region, endpoint, credentials, requestHandler }: S3SourceOptions): Promise<S3> {
  const { S3: S3Client } = await import('@aws-sdk/client-s3');
  // Without keys a bucket that is open to all is read: the keys of this machine are not the project's to use.
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

function faultOf(error: unknown, bucket: string, doing: string): unknown {
  if (error instanceof DaisError) return error;
  const { name, message, $metadata } = error as {
    readonly name: string;
    readonly message: string;
    readonly $metadata?: { readonly httpStatusCode?: number };
  };
  const status = $metadata?.httpStatusCode;
  const text = `The bucket ${bucket}: could not ${doing}: ${name}: ${message}`;
  if (status === 412) return new DaisError('conflict', `${text} (it is another one than before)`);
  if (status === 404) return new DaisError('not_found', text);
  if (status !== undefined && status >= 400 && status < 500) return new DaisError('invalid_request', text);
  return name === 'AbortError' ? error : new DaisError('upstream_failed', text, { cause: error });
}
