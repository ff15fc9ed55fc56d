/**
 * Keys in Google Cloud KMS. The key never leaves it; the context is additional authenticated data. A rotation there keeps the
 * name and needs no change in Dais; to move to another key, list it before the old one.
 */
import type { AccessTokens } from '#lib/cloud/access-token.ts';
import type { Clock } from '#lib/clock.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import type { KeyStore } from '../contract.ts';
import { KeyHttp, type KeyAnswer } from '../key-http.ts';
import { mismatch, RemoteKeyGone, RemoteKeys, type RemoteWrapping } from '../remote-keys.ts';

export interface GoogleKmsOptions {
  readonly outbound: Outbound;
  readonly clock: Clock;
  /** With the scope `https://www.googleapis.com/auth/cloudkms`. */
  readonly tokens: AccessTokens;
  /** `projects/P/locations/L/keyRings/R/cryptoKeys/K`, the current one first. */
  readonly keys: readonly [string, ...string[]];
  /** Default: `https://cloudkms.googleapis.com`. */
  readonly endpoint?: string;
  readonly timeoutMs: number;
}

/** Opens the store; nothing is sent before the first call. */
export function openGoogleKmsKeys(options: GoogleKmsOptions): KeyStore {
  return new RemoteKeys(new GoogleKmsWrapping(options), options.keys);
}

class GoogleKmsWrapping implements RemoteWrapping {
  readonly name = 'Google Cloud KMS';
  readonly rotation = 'enable rotation in Google Cloud KMS (the name of the key does not change)';
  readonly #http: KeyHttp;
  readonly #endpoint: string;

  constructor({ outbound, clock, tokens, endpoint, timeoutMs }: GoogleKmsOptions) {
    this.#endpoint = (endpoint ?? 'https://cloudkms.googleapis.com').replace(/\/+$/, '');
    this.#http = new KeyHttp({
      outbound,
      clock,
      timeoutMs,
      tokens,
      service: this.name,
      authorize: (token) => ({ authorization: `Bearer ${token}` }),
      expired: [401],
    });
  }

  async wrap(keyId: string, dataKey: Buffer, context: string): Promise<Buffer> {
    const answer = await this.#http.post(`${this.#endpoint}/v1/${keyId}:encrypt`, {
      plaintext: dataKey.toString('base64'),
      additionalAuthenticatedData: Buffer.from(context, 'utf8').toString('base64'),
    });
    const { ciphertext } = answer.body;
    if (answer.status === 200 && typeof ciphertext === 'string') return Buffer.from(ciphertext, 'base64');
    throw this.#http.refused(answer, `to encrypt with ${keyId}`, reasonOf(answer));
  }

  async unwrap(keyId: string, wrapped: Buffer, context: string): Promise<Buffer> {
    const answer = await this.#http.post(`${this.#endpoint}/v1/${keyId}:decrypt`, {
      ciphertext: wrapped.toString('base64'),
      additionalAuthenticatedData: Buffer.from(context, 'utf8').toString('base64'),
    });
    const { plaintext } = answer.body;
    if (answer.status === 200 && typeof plaintext === 'string') return Buffer.from(plaintext, 'base64');
    const reason = reasonOf(answer);
    if (answer.status === 404 || reason === 'FAILED_PRECONDITION') {
      throw new RemoteKeyGone(`cannot be used in Google Cloud KMS (${reason}): enable its version there`);
    }
    if (answer.status === 400) throw mismatch(this.name, keyId);
    throw this.#http.refused(answer, `to decrypt with ${keyId}`, reason);
  }
}

/** The status of a response (`PERMISSION_DENIED`). */
function reasonOf({ body }: KeyAnswer): string {
  const { status } = (body['error'] ?? {}) as { readonly status?: unknown };
  return typeof status === 'string' && /^[A-Z_]{1,64}$/.test(status) ? status : '';
}
