import { DaisError } from '@dais/api';

interface ObjectLocation {
  readonly bucket: string;
  readonly region: string;
  readonly endpoint?: string;
}

const FULL = new Set(['InsufficientStorage', 'XMinioStorageFull', 'XMinioAdminBucketQuotaExceeded', 'QuotaExceeded']);
const CREDENTIALS_REFUSED = new Set([
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'ExpiredToken',
  'InvalidToken',
  'InvalidClientTokenId',
]);
const OTHER_REGION = new Set([
  'PermanentRedirect',
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
]);
/** Error names of Node and the SDK for a missing response. */
const NO_ANSWER = new Set(['TimeoutError', 'AbortError', 'NetworkingError', 'RequestTimeout']);

/** Returns the error name of an S3 response (`NoSuchKey`) and its HTTP status. */
export function s3Answer(error: unknown): { readonly name: string; readonly status: number | undefined } {
  if (!(error instanceof Error)) return { name: '', status: undefined };
  const metadata = '$metadata' in error ? (error.$metadata as { httpStatusCode?: number } | undefined) : undefined;
  return { name: error.name, status: metadata?.httpStatusCode };
}

export function isMissing(error: unknown): boolean {
  const { name, status } = s3Answer(error);
  return name === 'NoSuchKey' || (status === 404 && name !== 'NoSuchBucket' && name !== 'NoSuchUpload');
}

/**
 * Converts the error of a request to `storage_full` or `blobs_unavailable`. Returns programming errors, errors with a code and
 * intended aborts unchanged. The message of the server is for the log only: it contains accounts and keys.
 */
export function s3Error(error: unknown, location: ObjectLocation, doing: string): unknown {
  if (!(error instanceof Error) || error instanceof DaisError) return error;
  const { name, status } = s3Answer(error);
  const where = `bucket ${location.bucket} at ${location.endpoint ?? `AWS region ${location.region}`}`;
  // Not the error itself: for a wrong signature it has the access key id and the signed text as fields.
  const cause = new Error(`${name}: ${error.message}`);
  const unavailable = (detail: string): DaisError => new DaisError('blobs_unavailable', detail, { cause });

  if (FULL.has(name) || status === 507) {
    return new DaisError('storage_full', `${where} is full (${name} while ${doing})`, { cause });
  }
  if (name === 'NoSuchBucket') return unavailable(`${where} does not exist: create it or correct the bucket name`);
  if (CREDENTIALS_REFUSED.has(name)) return unavailable(`${where} rejected the credentials (${name})`);
  if (name === 'CredentialsProviderError') {
    return unavailable(`there are no credentials for ${where}: set them in the configuration or the environment`);
  }
  if (OTHER_REGION.has(name) || status === 301)
    return unavailable(`${where} is in another region (${name}): correct the region`);
  if (status === 403) return unavailable(`the credentials do not allow ${doing} in ${where}`);
  if (status !== undefined) return unavailable(`${where} responded with ${status} ${name} while ${doing}`);
  if (NO_ANSWER.has(name) || 'code' in error || '$metadata' in error) {
    const reason = 'code' in error && typeof error.code === 'string' ? error.code : name;
    return unavailable(`${where} did not respond (${reason}) while ${doing}`);
  }
  return error;
}
