/**
 * Keys in Azure Key Vault. Its RSA keys wrap without additional data, so each data key is encrypted with a new local key, bound
 * to the context (AES-256-GCM), and Key Vault wraps the local key (RSA-OAEP-256). The private key never leaves it.
 */
import type { AccessTokens } from '#lib/cloud/access-token.ts';
import type { Clock } from '#lib/clock.ts';
import { AES_KEY_BYTES, decryptGcm, encryptGcm, packGcm, unpackGcm } from '#lib/crypto/aes-gcm.ts';
import { randomBytes } from '#lib/crypto/random-bytes.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import type { KeyStore } from '../contract.ts';
import { KeyHttp, type KeyAnswer } from '../key-http.ts';
import { mismatch, RemoteKeyGone, RemoteKeys, type RemoteWrapping } from '../remote-keys.ts';

export interface AzureVaultOptions {
  readonly outbound: Outbound;
  readonly clock: Clock;
  /** For the resource of `vaultResource`. */
  readonly tokens: AccessTokens;
  /** `https://VAULT.vault.azure.net/keys/NAME`, the current one first: RSA keys. */
  readonly keys: readonly [string, ...string[]];
  readonly timeoutMs: number;
}

const API_VERSION = '7.4';
const ALGORITHM = 'RSA-OAEP-256';
/** Versions of keys are 32 hexadecimal digits. */
const VERSION = /^[0-9a-f]{32}$/;
const VERSION_BYTES = 16;
const LENGTH_BYTES = 2;

/** Opens the store; nothing is sent before the first call. */
export function openAzureVaultKeys(options: AzureVaultOptions): KeyStore {
  const [first, ...rest] = options.keys;
  return new RemoteKeys(new AzureVaultWrapping(options), [trimmed(first), ...rest.map(trimmed)]);
}

/** The resource that access tokens are for: `https://vault.azure.net`, or that of another cloud. */
export function vaultResource(key: string): string {
  const host = new URL(key).hostname;
  const suffix = /(?:vault\.azure\.(?:net|cn)|vault\.usgovcloudapi\.net|managedhsm\.azure\.(?:net|cn))$/.exec(
    host,
  )?.[0];
  return `https://${suffix ?? 'vault.azure.net'}`;
}

class AzureVaultWrapping implements RemoteWrapping {
  readonly name = 'Azure Key Vault';
  readonly rotation = 'enable rotation in Azure Key Vault (the address without a version does not change)';
  readonly #http: KeyHttp;

  constructor({ outbound, clock, tokens, timeoutMs }: AzureVaultOptions) {
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

  /** Returns the version of the key, the length of the wrapped local key, that key, and the encrypted data key. */
  async wrap(keyId: string, dataKey: Buffer, context: string): Promise<Buffer> {
    const local = randomBytes(AES_KEY_BYTES);
    const value = local.toString('base64url');
    const answer = await this.#http.post(`${keyId}/wrapkey?api-version=${API_VERSION}`, { alg: ALGORITHM, value });
    const { kid, value: wrappedValue } = answer.body;
    const version = typeof kid === 'string' ? (kid.split('/').at(-1) ?? '') : '';
    if (answer.status !== 200 || typeof wrappedValue !== 'string' || !VERSION.test(version)) {
      throw this.#http.refused(answer, `to wrap with ${keyId}`, reasonOf(answer));
    }
    const wrapped = Buffer.from(wrappedValue, 'base64url');
    const length = Buffer.alloc(LENGTH_BYTES);
    length.writeUInt16BE(wrapped.length);
    const box = packGcm(encryptGcm(local, dataKey, context));
    local.fill(0);
    return Buffer.concat([Buffer.from(version, 'hex'), length, wrapped, box]);
  }

  async unwrap(keyId: string, packed: Buffer, context: string): Promise<Buffer> {
    if (packed.length < VERSION_BYTES + LENGTH_BYTES) throw mismatch(this.name, keyId);
    const version = packed.subarray(0, VERSION_BYTES).toString('hex');
    const start = VERSION_BYTES + LENGTH_BYTES;
    const end = start + packed.readUInt16BE(VERSION_BYTES);
    const box = unpackGcm(packed.subarray(end));
    if (end >= packed.length || box === undefined) throw mismatch(this.name, keyId);
    const base = VERSION.test(keyId.split('/').at(-1) ?? '') ? keyId : `${keyId}/${version}`;
    const value = packed.subarray(start, end).toString('base64url');
    const answer = await this.#http.post(`${base}/unwrapkey?api-version=${API_VERSION}`, { alg: ALGORITHM, value });
    const local = await this.#unwrapped(answer, keyId);
    const dataKey = local.length === AES_KEY_BYTES ? decryptGcm(local, box, context) : undefined;
    local.fill(0);
    if (dataKey === undefined) throw mismatch(this.name, keyId);
    return dataKey;
  }

  async #unwrapped(answer: KeyAnswer, keyId: string): Promise<Buffer> {
    const { value } = answer.body;
    if (answer.status === 200 && typeof value === 'string') return Buffer.from(value, 'base64url');
    const reason = reasonOf(answer);
    // Key Vault deletes all versions of a key together: if there is the key but not the version, the value was changed.
    if (answer.status === 404 && !(await this.#exists(keyId))) {
      throw new RemoteKeyGone(`does not exist in Azure Key Vault (${reason}): recover it there`);
    }
    if (reason === 'KeyDisabled' || reason === 'ForbiddenByExpiry') {
      throw new RemoteKeyGone(`cannot be used in Azure Key Vault (${reason}): enable its version there`);
    }
    if (answer.status === 400 || answer.status === 404) throw mismatch(this.name, keyId);
    throw this.#http.refused(answer, `to unwrap with ${keyId}`, reason);
  }

  /** Needs no permission beyond that for wrapping. */
  async #exists(keyId: string): Promise<boolean> {
    const value = Buffer.alloc(AES_KEY_BYTES).toString('base64url');
    const answer = await this.#http.post(`${keyId}/wrapkey?api-version=${API_VERSION}`, { alg: ALGORITHM, value });
    return answer.status !== 404;
  }
}

/** The inner error code of a response, else the outer one. */
function reasonOf({ body }: KeyAnswer): string {
  const error = (body['error'] ?? {}) as { readonly code?: unknown; readonly innererror?: { readonly code?: unknown } };
  const code = error.innererror?.code ?? error.code;
  return typeof code === 'string' && /^\w{1,64}$/.test(code) ? code : '';
}

function trimmed(key: string): string {
  return key.replace(/\/+$/, '');
}
