/**
 * Keys in the transit engine of HashiCorp Vault or OpenBao. The key never leaves it; the context is additional authenticated
 * data. A rotation there keeps the name and needs no change in Dais; to move to another key, list it before the old one.
 */
import type { DaisError } from '@dais/api';
import type { KeyStore } from '../contract.ts';
import type { KeyAnswer } from '../key-http.ts';
import { mismatch, RemoteKeyGone, RemoteKeys, type RemoteWrapping } from '../remote-keys.ts';
import { escapePath, VaultAccess, vaultErrors, type VaultOptions } from './vault-access.ts';

export interface VaultKeysOptions extends VaultOptions {
  /** Mount of the transit engine. */
  readonly mount: string;
  /** Names of keys of the type `aes256-gcm96` or `chacha20-poly1305`, the current one first. */
  readonly keys: readonly [string, ...string[]];
}

/** Opens the store; nothing is sent before the first call. */
export function openVaultKeys(options: VaultKeysOptions): KeyStore {
  const [first, ...rest] = options.keys;
  const idOf = (name: string) => `vault:${options.mount}/${name}`;
  return new RemoteKeys(new TransitWrapping(options), [idOf(first), ...rest.map(idOf)]);
}

class TransitWrapping implements RemoteWrapping {
  readonly name = 'Vault';
  readonly rotation = 'rotate the key in Vault (`vault write -f transit/keys/NAME/rotate`; its name does not change)';
  readonly #access: VaultAccess;
  readonly #mount: string;

  constructor(options: VaultKeysOptions) {
    this.#access = new VaultAccess(options);
    this.#mount = options.mount;
  }

  async wrap(keyId: string, dataKey: Buffer, context: string): Promise<Buffer> {
    const answer = await this.#access.http.post(this.#url('encrypt', keyId), {
      plaintext: dataKey.toString('base64'),
      associated_data: authenticated(context),
    });
    const { ciphertext } = (answer.body['data'] ?? {}) as { readonly ciphertext?: unknown };
    if (answer.status === 200 && typeof ciphertext === 'string') return Buffer.from(ciphertext, 'latin1');
    throw this.#refused(answer, `to encrypt with key ${keyId}`);
  }

  async unwrap(keyId: string, wrapped: Buffer, context: string): Promise<Buffer> {
    const answer = await this.#access.http.post(this.#url('decrypt', keyId), {
      ciphertext: wrapped.toString('latin1'),
      associated_data: authenticated(context),
    });
    const { plaintext } = (answer.body['data'] ?? {}) as { readonly plaintext?: unknown };
    if (answer.status === 200 && typeof plaintext === 'string') return Buffer.from(plaintext, 'base64');
    const why = vaultErrors(answer);
    if (answer.status === 400 && /key not found/i.test(why)) throw new RemoteKeyGone('does not exist in Vault');
    if (answer.status === 400 && /too old|disallowed by policy/i.test(why)) {
      throw new RemoteKeyGone('no longer decrypts this version: lower its min_decryption_version');
    }
    if (answer.status === 400) throw mismatch(this.name, keyId);
    throw this.#refused(answer, `to decrypt with key ${keyId}`);
  }

  #url(verb: string, keyId: string): string {
    const name = keyId.slice(`vault:${this.#mount}/`.length);
    return this.#access.url(`${escapePath(this.#mount)}/${verb}/${encodeURIComponent(name)}`);
  }

  #refused(answer: KeyAnswer, doing: string): DaisError {
    const why = vaultErrors(answer);
    const reasons: readonly (readonly [RegExp, string])[] = [
      [/sealed/i, 'it is sealed: unseal it'],
      [/no handler for route/i, `the mount ${this.#mount} does not exist: enable the transit engine there`],
      [/associated|AEAD/i, 'the key type has no authenticated data: use aes256-gcm96'],
      [/permission denied/i, 'grant `update` on encrypt/NAME and decrypt/NAME of the mount'],
      [/key not found/i, 'the key does not exist: create it'],
    ];
    const reason =
      reasons.find(([pattern]) => pattern.test(why))?.[1] ??
      (answer.status === 503 ? 'it is sealed or has no leader' : '');
    return this.#access.http.refused(answer, doing, reason);
  }
}

/** Never empty: an empty value would be no data. */
function authenticated(context: string): string {
  return Buffer.from(`dais-context:${context}`, 'utf8').toString('base64');
}
