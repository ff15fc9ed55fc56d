/** A key store on a service that wraps keys: Vault, Google Cloud KMS, Azure Key Vault. */
import { DaisError } from '@dais/api';
import { AES_KEY_BYTES, fingerprint } from '#lib/crypto/aes-gcm.ts';
import { FINGERPRINT_DOMAIN, type KeyInfo, type KeyStore, type WrappedKey } from './contract.ts';

/** The requests of one service. Both throw DaisError `keys_unavailable`. */
export interface RemoteWrapping {
  /** The service in errors: `Vault`. */
  readonly name: string;
  /** How an operator adds a key: completes “… and restart”. */
  readonly rotation: string;
  wrap(keyId: string, dataKey: Buffer, context: string): Promise<Buffer>;
  /** @throws DaisError also `key_mismatch`; `missing` for a key that the service no longer has. */
  unwrap(keyId: string, wrapped: Buffer, context: string): Promise<Buffer>;
}

/** Thrown by `unwrap`: the service cannot use the key. */
export class RemoteKeyGone extends Error {}

/** `keyIds`: the names of the keys for the service, printable ASCII, the current one first. */
export class RemoteKeys implements KeyStore {
  readonly #remote: RemoteWrapping;
  readonly #keys: readonly [KeyInfo, ...KeyInfo[]];

  constructor(remote: RemoteWrapping, keyIds: readonly [string, ...string[]]) {
    this.#remote = remote;
    const [first, ...rest] = keyIds;
    this.#keys = [infoOf(first), ...rest.filter((keyId) => keyId !== first).map(infoOf)];
  }

  async current(): Promise<KeyInfo> {
    return await Promise.resolve(this.#keys[0]);
  }

  async wrap(dataKey: Buffer, context: string): Promise<WrappedKey> {
    const info = this.#keys[0];
    return { ...info, wrapped: await this.#remote.wrap(info.keyId, dataKey, context) };
  }

  async unwrap({ keyId, wrapped }: WrappedKey, context: string): Promise<Buffer> {
    // Only configured keys: a row that refers to a foreign key must not be trusted.
    if (!this.#keys.some((key) => key.keyId === keyId)) {
      throw this.#missing(keyId, 'is not in keys.keys: add it after the first key');
    }
    try {
      const dataKey = await this.#remote.unwrap(keyId, wrapped, context);
      if (dataKey.length === AES_KEY_BYTES) return dataKey;
    } catch (error) {
      if (error instanceof RemoteKeyGone) throw this.#missing(keyId, error.message);
      throw error;
    }
    throw new DaisError('key_mismatch', `${this.#remote.name} key ${keyId} returned no 32-byte data key`);
  }

  async rotate(): Promise<KeyInfo> {
    return await Promise.reject(
      new DaisError(
        'keys_read_only',
        `${this.#remote.rotation}, or put a new key before the others in keys.keys and restart`,
      ),
    );
  }

  async list(): Promise<readonly KeyInfo[]> {
    return await Promise.resolve(this.#keys);
  }

  async close(): Promise<void> {
    // The creator of the outbound client closes its connections.
  }

  #missing(keyId: string, why: string): DaisError {
    const name = `${this.#remote.name} key ${keyId} (fingerprint ${infoOf(keyId).fingerprint})`;
    return new DaisError('key_missing', `${name} ${why}`);
  }
}

/** The error of a value that the service cannot unwrap. */
export function mismatch(service: string, keyId: string): DaisError {
  const why = 'the value was changed or belongs to another context';
  return new DaisError('key_mismatch', `${service} key ${keyId} cannot decrypt this value: ${why}`);
}

function infoOf(keyId: string): KeyInfo {
  return { keyId, fingerprint: fingerprint(FINGERPRINT_DOMAIN, keyId) };
}
