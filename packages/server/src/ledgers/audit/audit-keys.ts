/** The two keys of the log: created once, wrapped by the key engine, and opened once per process. */
import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  randomBytes,
  sign,
  type KeyObject,
} from 'node:crypto';

import { keyHashInput, type VerifierKey } from '@dais/api/tlog';
import type { Database, Sql } from '#engines/database/contract.ts';
import type { KeyStore, WrappedKey } from '#engines/keys/contract.ts';
import { transact } from '#kernel/transaction.ts';

export interface AuditKeys {
  /** The origin of the log; branches add a suffix. */
  readonly name: string;
  readonly verifier: VerifierKey;
  /** Signs a text with Ed25519. */
  readonly sign: (text: string) => Uint8Array;
  /** Computes the digest of a name, which requires the key. */
  readonly digestOf: (name: string) => Buffer;
}

const NAMES = ['signing', 'names'] as const;
const READ_ALL = { mode: 'read', scope: 'all' } as const;

interface KeyRow {
  name: (typeof NAMES)[number];
  key_id: string;
  key_fingerprint: string;
  wrapped: Buffer;
}

export class AuditKeyring {
  readonly #database: Database;
  readonly #keys: KeyStore;
  #opened: Promise<AuditKeys> | undefined;

  constructor(database: Database, keys: KeyStore) {
    this.#database = database;
    this.#keys = keys;
  }

  /** Opens the keys. @throws DaisError `keys_unavailable`, `key_missing`, `key_mismatch`, `database_unavailable`. */
  async open(): Promise<AuditKeys> {
    this.#opened ??= this.#load();
    try {
      return await this.#opened;
    } catch (error) {
      this.#opened = undefined;
      throw error;
    }
  }

  async #load(): Promise<AuditKeys> {
    const [state] = await this.#database.statement<{ log_id: string }>(READ_ALL, 'select log_id from audit.state');
    const rows = await this.#database.statement<KeyRow>(
      READ_ALL,
      'select name, key_id, key_fingerprint, wrapped from audit.wrapped_key',
    );
    const all = rows.length === NAMES.length ? rows : await this.#make();
    const secrets = new Map<string, Buffer>();
    for (const row of all) secrets.set(row.name, await this.#keys.unwrap(wrappedOf(row), contextOf(row.name)));
    const [signing, names] = NAMES.map((name) => secrets.get(name));
    if (state === undefined || signing === undefined || names === undefined)
      throw new Error('the audit log has no keys');
    return openedKeys(`dais.dev/audit/${state.log_id}`, signing, names);
  }

  /** Creates the keys. If several processes do so, the first wins: the stored keys are used. */
  async #make(): Promise<readonly KeyRow[]> {
    const made: (WrappedKey & { readonly name: KeyRow['name']; readonly secret: Buffer })[] = [];
    for (const name of NAMES) {
      const secret = randomBytes(32);
      made.push({ name, secret, ...(await this.#keys.wrap(secret, contextOf(name))) });
    }
    return await transact(this.#database, { mode: 'write', projectId: 'all' }, async ({ sql }) => {
      for (const { name, secret, keyId, fingerprint, wrapped } of made) {
        await sql.query(
          `insert into audit.wrapped_key (name, key_id, key_fingerprint, wrapped, public_key) values ($1, $2, $3, $4, $5)
           on conflict do nothing`,
          [name, keyId, fingerprint, wrapped, name === 'signing' ? publicBytes(privateKeyOf(secret)) : null],
        );
      }
      return await sql.query<KeyRow>('select name, key_id, key_fingerprint, wrapped from audit.wrapped_key');
    });
  }
}

/**
 * Rewraps keys of older key-encryption keys, a limited number at a time. Returns how many.
 * @throws DaisError `keys_unavailable`, `key_missing`.
 */
export async function rewrapKeys(sql: Sql, keys: KeyStore, limit: number): Promise<number> {
  const current = await keys.current();
  const rows = await sql.query<KeyRow>(
    `select name, key_id, key_fingerprint, wrapped from audit.wrapped_key where key_fingerprint <> $1 limit $2`,
    [current.fingerprint, limit],
  );
  for (const row of rows) {
    const secret = await keys.unwrap(wrappedOf(row), contextOf(row.name));
    const { keyId, fingerprint, wrapped } = await keys.wrap(secret, contextOf(row.name));
    secret.fill(0);
    await sql.query('update audit.wrapped_key set key_id = $2, key_fingerprint = $3, wrapped = $4 where name = $1', [
      row.name,
      keyId,
      fingerprint,
      wrapped,
    ]);
  }
  return rows.length;
}

function openedKeys(name: string, signing: Buffer, names: Buffer): AuditKeys {
  const privateKey = privateKeyOf(signing);
  signing.fill(0);
  const publicKey = publicBytes(privateKey);
  return {
    name,
    verifier: { name, keyHash: keyHashOf(name, publicKey), publicKey },
    sign: (text) => sign(null, Buffer.from(text, 'utf8'), privateKey),
    digestOf: (text) => createHmac('sha256', names).update(text).digest(),
  };
}

function keyHashOf(name: string, publicKey: Uint8Array): string {
  return createHash('sha256').update(keyHashInput(name, publicKey)).digest('hex').slice(0, 8);
}

/** RFC 8410: PKCS #8 prefix of the 32 bytes of an Ed25519 seed. */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

function privateKeyOf(seed: Buffer): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: 'der', type: 'pkcs8' });
}

function publicBytes(privateKey: KeyObject): Buffer {
  return createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32);
}

function contextOf(name: string): string {
  return `audit/${name}`;
}

function wrappedOf(row: Pick<KeyRow, 'key_id' | 'key_fingerprint' | 'wrapped'>): WrappedKey {
  return { keyId: row.key_id, fingerprint: row.key_fingerprint, wrapped: row.wrapped };
}
