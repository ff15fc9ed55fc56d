/** Keys given as text by the configuration (an environment variable, a mounted secret). Read-only: they are made elsewhere. */
import { DaisError } from '@dais/api';
import {
  AES_KEY_BYTES,
  decryptGcm,
  encryptGcm,
  fingerprint as fingerprintOf,
  packGcm,
  unpackGcm,
} from '#lib/crypto/aes-gcm.ts';
import { FINGERPRINT_DOMAIN, type KeyInfo, type KeyStore, type WrappedKey } from '../contract.ts';

interface HeldKey extends KeyInfo {
  readonly key: Buffer;
}

const ENTRY = /^(?:([A-Za-z0-9._-]{1,64}):)?([A-Za-z0-9+/]{43}=?)$/;

/**
 * `text` is one key or several, the current one first: `id:base64,id:base64` or `base64,base64`. A key is 32 random
 * bytes (`openssl rand -base64 32`). The id is a label: keys are found by their fingerprint, so that relabelling or
 * moving a key loses nothing.
 * @throws DaisError `invalid_config`, never with any part of a key in it.
 */
export function openEnvKeys(text: string): KeyStore {
  const keys = text
    .split(',')
    .map((entry) => entry.trim())
    .map((entry, index) => parseEntry(entry, index));
  const twice = keys.find((key, index) => keys.findIndex((other) => other.fingerprint === key.fingerprint) !== index);
  if (twice !== undefined) throw invalid(`the key with fingerprint ${twice.fingerprint} is given twice: keep one`);
  return new EnvKeys(keys);
}

function parseEntry(entry: string, index: number): HeldKey {
  const [, label = 'env', base64 = ''] = ENTRY.exec(entry) ?? [];
  const key = Buffer.from(base64, 'base64');
  if (key.length !== AES_KEY_BYTES) {
    throw invalid(
      `key ${index + 1} of keys.values is not 32 bytes of base64, optionally after an id and a colon: make one with \`openssl rand -base64 32\``,
    );
  }
  const print = fingerprintOf(FINGERPRINT_DOMAIN, key);
  return { keyId: `${label}-${print}`, fingerprint: print, key };
}

function invalid(detail: string): DaisError {
  return new DaisError('invalid_config', detail, { issues: [{ path: 'spec.keys.values', message: detail }] });
}

class EnvKeys implements KeyStore {
  #keys: readonly HeldKey[];

  constructor(keys: readonly HeldKey[]) {
    this.#keys = keys;
  }

  async current(): Promise<KeyInfo> {
    const { keyId, fingerprint } = this.#first();
    return { keyId, fingerprint };
  }

  async wrap(dataKey: Buffer, context: string): Promise<WrappedKey> {
    const { keyId, fingerprint, key } = this.#first();
    return { keyId, fingerprint, wrapped: packGcm(encryptGcm(key, dataKey, aadOf(context))) };
  }

  async unwrap({ keyId, wrapped }: WrappedKey, context: string): Promise<Buffer> {
    const print = keyId.slice(-16);
    const held = this.#keys.find((key) => key.fingerprint === print);
    if (held === undefined) {
      throw new DaisError(
        'key_missing',
        `key ${keyId} (fingerprint ${print}) is not in keys.values: add it after the first`,
      );
    }
    const box = unpackGcm(wrapped);
    const dataKey = box && decryptGcm(held.key, box, aadOf(context));
    if (dataKey === undefined) {
      throw new DaisError('key_mismatch', `key ${keyId} does not open this value: it was changed or belongs elsewhere`);
    }
    return dataKey;
  }

  async rotate(): Promise<KeyInfo> {
    throw new DaisError(
      'keys_read_only',
      'put a new key (`openssl rand -base64 32`) before the others in keys.values, keep the old ones after it, and restart',
    );
  }

  async list(): Promise<readonly KeyInfo[]> {
    return this.#keys.map(({ keyId, fingerprint }) => ({ keyId, fingerprint }));
  }

  async close(): Promise<void> {
    this.#keys = [];
  }

  #first(): HeldKey {
    const [first] = this.#keys;
    if (first === undefined) throw new DaisError('keys_unavailable', 'the keys are closed');
    return first;
  }
}

function aadOf(context: string): string {
  return `dais/kek-wrap/v1\0${context}`;
}
