/** Signed URLs of Google Cloud Storage (V4 signing process), with the key of a service account. */
import { createHash } from 'node:crypto';
import type { GoogleSigner } from '#lib/cloud/google-credentials.ts';
import { escapeName } from './gcs-access.ts';

export interface SignedDownload {
  readonly endpoint: string;
  readonly bucket: string;
  /** The name of the object, not escaped. */
  readonly name: string;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
  readonly seconds: number;
  readonly disposition: string;
  readonly contentType: string;
}

/** Returns a URL that reads one object. */
export function signDownload(signer: GoogleSigner, download: SignedDownload): string {
  const { host, protocol } = new URL(download.endpoint);
  const time = new Date(download.now).toISOString().replaceAll(/[-:]|\.\d+/g, '');
  const scope = `${time.slice(0, 8)}/auto/storage/goog4_request`;
  const path = `/${escapeName(download.bucket)}/${download.name.split('/').map(escapeName).join('/')}`;
  const query = Object.entries({
    'X-Goog-Algorithm': 'GOOG4-RSA-SHA256',
    'X-Goog-Credential': `${signer.email}/${scope}`,
    'X-Goog-Date': time,
    'X-Goog-Expires': String(download.seconds),
    'X-Goog-SignedHeaders': 'host',
    'response-content-disposition': download.disposition,
    'response-content-type': download.contentType,
  })
    .map(([name, value]) => `${escapeName(name)}=${escapeName(value)}`)
    .sort()
    .join('&');
  const request = ['GET', path, query, `host:${host}`, '', 'host', 'UNSIGNED-PAYLOAD'].join('\n');
  const digest = createHash('sha256').update(request).digest('hex');
  const signature = signer.sign(['GOOG4-RSA-SHA256', time, scope, digest].join('\n')).toString('hex');
  return `${protocol}//${host}${path}?${query}&X-Goog-Signature=${signature}`;
}
