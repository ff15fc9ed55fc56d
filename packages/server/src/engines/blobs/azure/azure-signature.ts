/** Signatures of Azure Storage: Shared Key for requests, and service SAS for URLs. */
import { createHmac } from 'node:crypto';

/** Azurite and all regions of Azure support it. */
export const AZURE_VERSION = '2023-11-03';

export interface AzureKey {
  readonly account: string;
  /** Base64, as the portal shows it. */
  readonly accountKey: string;
}

interface SignedRequest {
  readonly method: string;
  readonly url: URL;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly bodyBytes: number;
}

/** Headers of the string to sign, in its order. `content-length` is empty for no body. */
const SIGNED_HEADERS = [
  'content-encoding',
  'content-language',
  'content-length',
  'content-md5',
  'content-type',
  'date',
  'if-modified-since',
  'if-match',
  'if-none-match',
  'if-unmodified-since',
  'range',
] as const;

/** The value of `Authorization` (Authorize with Shared Key, version 2015-02-21 and later). */
export function signRequest(key: AzureKey, { method, url, headers, bodyBytes }: SignedRequest): string {
  const fixed: Readonly<Record<string, string>> = {
    ...headers,
    'content-length': bodyBytes === 0 ? '' : String(bodyBytes),
  };
  const own = Object.keys(headers)
    .filter((name) => name.startsWith('x-ms-'))
    .sort()
    .map((name) => `${name}:${headers[name]?.trim()}\n`);
  const query = [...url.searchParams].map(([name, value]) => `\n${name.toLowerCase()}:${value}`).sort();
  const text = [
    method,
    ...SIGNED_HEADERS.map((name) => fixed[name] ?? ''),
    `${own.join('')}/${key.account}${url.pathname}${query.join('')}`,
  ].join('\n');
  return `SharedKey ${key.account}:${hmac(key, text)}`;
}

export interface ServiceSas {
  readonly container: string;
  /** The name of the blob, not escaped; absent: all blobs of the container. */
  readonly blob?: string;
  /** Letters in the order `racwdl`. */
  readonly permissions: string;
  /** Milliseconds since the Unix epoch. */
  readonly expiresAt: number;
  /** Content-Disposition and Content-Type of responses. */
  readonly disposition?: string;
  readonly contentType?: string;
  /** Also over plain HTTP, for servers that have no HTTPS. */
  readonly insecure: boolean;
}

/** The query of a URL with these permissions (Create a service SAS, version 2020-12-06 and later). */
export function signSas(key: AzureKey, sas: ServiceSas): URLSearchParams {
  const expiry = new Date(sas.expiresAt).toISOString().replace(/\.\d+Z$/, 'Z');
  const protocol = sas.insecure ? 'https,http' : 'https';
  const resource = sas.blob === undefined ? 'c' : 'b';
  const path = sas.blob === undefined ? sas.container : `${sas.container}/${sas.blob}`;
  const { permissions, disposition = '', contentType = '' } = sas;
  const signed = [permissions, '', expiry, `/blob/${key.account}/${path}`, '', '', protocol, AZURE_VERSION, resource];
  // Without snapshot, encryption scope, and the headers of caching, encoding and language.
  const text = [...signed, '', '', '', disposition, '', '', contentType].join('\n');
  return new URLSearchParams({
    sv: AZURE_VERSION,
    sp: permissions,
    se: expiry,
    spr: protocol,
    sr: resource,
    ...(disposition !== '' && { rscd: disposition }),
    ...(contentType !== '' && { rsct: contentType }),
    sig: hmac(key, text),
  });
}

function hmac({ accountKey }: AzureKey, text: string): string {
  return createHmac('sha256', Buffer.from(accountKey, 'base64')).update(text, 'utf8').digest('base64');
}
