import { DaisError } from '@dais/api/errors';
import type { AccessTokens } from '#lib/cloud/access-token.ts';
import type { Clock } from '#lib/clock.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import { ObjectHttp, type ObjectRequest } from '../object-http.ts';
import { azureCode, azureRefusal } from './azure-errors.ts';
import { AZURE_VERSION, signRequest } from './azure-signature.ts';

export type AzureCredentials =
  | { readonly accountKey: string }
  /** A shared access signature of the account or of the container, with or without `?`. */
  | { readonly sasToken: string }
  | { readonly tokens: AccessTokens };

export interface AzureBlobStoreOptions {
  readonly account: string;
  readonly container: string;
  /** Prefix of all names, so that stores can share a container; a missing `/` at its end is added. */
  readonly prefix?: string;
  /** Default: `https://ACCOUNT.blob.core.windows.net`. With a path for emulators: `http://127.0.0.1:10000/ACCOUNT`. */
  readonly endpoint?: string;
  readonly credentials: AzureCredentials;
  readonly outbound: Outbound;
  readonly clock: Clock;
  /** Bytes of one block of an upload, at most 4,000 MiB, default 16 MiB. A blob has at most 50,000 blocks. */
  readonly blockBytes?: number;
  readonly attempts?: number;
  /** Base of the backoff in milliseconds, default 200. */
  readonly backoffMs?: number;
}

/** The container: addresses of its blobs, and signed requests. */
export class AzureAccess {
  readonly options: AzureBlobStoreOptions;
  readonly where: string;
  readonly http: ObjectHttp;
  readonly #base: string;

  constructor(options: AzureBlobStoreOptions) {
    const { account, container, endpoint, credentials, outbound, clock, attempts, backoffMs } = options;
    this.options = options;
    const server = (endpoint ?? `https://${account}.blob.core.windows.net`).replace(/\/+$/, '');
    this.where = `container ${container} of storage account ${account}${endpoint === undefined ? '' : ` at ${server}`}`;
    this.#base = `${server}/${encodeURIComponent(container)}`;
    this.http = new ObjectHttp({
      outbound,
      clock,
      where: this.where,
      ...(attempts !== undefined && { attempts }),
      ...(backoffMs !== undefined && { backoffMs }),
      sign: async (request) => await this.#sign(request),
      ...('tokens' in credentials && {
        renew: ({ authorization = '' }: Readonly<Record<string, string>>) =>
          credentials.tokens.forget(authorization.replace(/^Bearer /, '')),
      }),
      refusal: (answer, doing) => azureRefusal(answer, doing, this.where),
      codeOf: azureCode,
    });
  }

  /** The URL of the container. */
  containerUrl(query: Readonly<Record<string, string>>): URL {
    const url = new URL(this.#base);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    return url;
  }

  /** The URL of a blob. */
  blobUrl(name: string, query: Readonly<Record<string, string>> = {}): URL {
    const url = new URL(`${this.#base}/${name.split('/').map(escapeSegment).join('/')}`);
    for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
    return url;
  }

  /** The source of a copy: with a SAS token, the service needs it there, too. */
  sourceUrl(name: string): string {
    const url = this.blobUrl(name);
    const { credentials } = this.options;
    if ('sasToken' in credentials) appendSas(url, credentials.sasToken);
    return url.href;
  }

  async #sign(request: ObjectRequest): Promise<{ url: string; headers: Record<string, string> }> {
    const { credentials, account, clock } = this.options;
    const url = new URL(request.url);
    const headers: Record<string, string> = {
      ...request.headers,
      'x-ms-version': AZURE_VERSION,
      'x-ms-date': new Date(clock.now()).toUTCString(),
    };
    if ('accountKey' in credentials) {
      const key = { account, accountKey: credentials.accountKey };
      const bodyBytes = request.body?.length ?? 0;
      headers['authorization'] = signRequest(key, { method: request.method, url, headers, bodyBytes });
    } else if ('sasToken' in credentials) {
      appendSas(url, credentials.sasToken);
    } else {
      headers['authorization'] = `Bearer ${await credentials.tokens.get()}`;
    }
    return { url: url.href, headers };
  }
}

/** @throws DaisError `invalid_config` when the text is not a SAS token. */
function appendSas(url: URL, sasToken: string): void {
  const parameters = new URLSearchParams(sasToken.replace(/^\?/, ''));
  if (!parameters.has('sig')) throw new DaisError('invalid_config', 'blobs.sasToken has no signature (`sig`)');
  for (const [name, value] of parameters) url.searchParams.set(name, value);
}

/** encodeURIComponent leaves `!'()*` alone; the signature covers the escaped path. */
function escapeSegment(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
