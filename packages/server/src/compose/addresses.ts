/** Files at URLs of pipelines; see compose.ts. */
import { DaisError } from '@dais/api';
import type { AddressedFile, AddressIo } from '#ledgers/executions/index.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import { guardedHandler } from './data.ts';

/** A large file may take hours; that nothing comes for a minute ends it. */
const TIMEOUTS = { totalMs: 0, headersMs: 60_000, idleMs: 60_000 };

/** @throws DaisError as `Outbound`, for what is not there, and for what may not be read. */
export async function readAddress(outbound: Outbound, url: string, io: AddressIo): Promise<readonly AddressedFile[]> {
  if (/^s3:/i.test(url)) return await readBucket(outbound, url, io);
  const open = async () => {
    const { status, body } = await outbound.stream({ url, redirects: 5, timeouts: TIMEOUTS, signal: io.signal });
    if (status === 200) return body;
    body.on('error', () => {}).destroy();
    throw new DaisError('upstream_failed', `it responds with status ${status}`);
  };
  return [{ path: '', open }];
}

/**
 * Reads an object, or all objects with the prefix, with the variables of S3 clients. Without keys, the bucket must be
 * public.
 */
async function readBucket(
  outbound: Outbound,
  url: string,
  { variables, signal }: AddressIo,
): Promise<readonly AddressedFile[]> {
  const [, bucket, key = ''] = /^s3:\/\/([^/?#]+)\/*(.*?)\/*$/is.exec(url) ?? [];
  if (bucket === undefined || key === '' || /[*?]/.test(key)) {
    throw new DaisError('invalid_request', 'use the form `s3://BUCKET/KEY` with the key of an object or a prefix, without `*` and `?`');
  }
  const { s3Bucket } = await import('#engines/sources/s3/s3-source.ts');
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = variables;
  const { AWS_SESSION_TOKEN: sessionToken } = variables;
  const objects = s3Bucket({
    bucket,
    region: variables['AWS_REGION'] ?? variables['AWS_DEFAULT_REGION'] ?? 'us-east-1',
    endpoint: variables['AWS_ENDPOINT_URL_S3'] ?? variables['AWS_ENDPOINT_URL'],
    credentials:
      accessKeyId === undefined || secretAccessKey === undefined
        ? undefined
        : { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) },
    requestHandler: await guardedHandler(outbound),
  });
  const [object] = await objects.objects(key, signal);
  if (object !== undefined) return [{ path: '', open: async () => await objects.open(object, signal) }];
  const below = await objects.objects(`${key}/**`, signal);
  if (below.length === 0) throw new DaisError('not_found', `the bucket ${bucket} does not contain ${key}`);
  return below.map((one) => ({
    path: one.name.slice(key.length + 1),
    open: async () => await objects.open(one, signal),
  }));
}
