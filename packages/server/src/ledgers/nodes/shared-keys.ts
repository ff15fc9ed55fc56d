/**
 * Random keys of 32 bytes that all processes of the installation share, and that survive restarts: what one process signs, every other one accepts.
 * The first process that needs a key creates it.
 */
import type { Database, Sql } from '#engines/database/contract.ts';
import { transact } from '#kernel/transaction.ts';
import { randomBytes } from '#lib/crypto/random-bytes.ts';
import type { SealedKey, Sealer } from './certificates/sealer.ts';

interface SharedKeyRow extends Omit<SealedKey, 'v'> {
  readonly name: string;
}

interface StoredSharedKey {
  readonly name: string;
  readonly sealed: SealedKey;
}

const KEY_BYTES = 32;

const contextOf = (name: string): string => `nodes/shared-key/${name}`;

export class SharedKeys {
  readonly #database: Database;
  readonly #sealer: Sealer;
  readonly #opened = new Map<string, Promise<Buffer>>();

  constructor({ database, sealer }: { readonly database: Database; readonly sealer: Sealer }) {
    this.#database = database;
    this.#sealer = sealer;
  }

  /** Opened once: later calls return it from memory. @throws DaisError `keys_unavailable`, `key_missing`, `database_unavailable` */
  async get(name: string): Promise<Buffer> {
    let opening = this.#opened.get(name);
    if (opening === undefined) {
      opening = this.#open(name);
      this.#opened.set(name, opening);
      opening.catch(() => this.#opened.delete(name));
    }
    return await opening;
  }

  async #open(name: string): Promise<Buffer> {
    const sealed = (await this.#read(name)) ?? (await this.#create(name));
    return await this.#sealer.open(sealed, contextOf(name));
  }

  async #read(name: string): Promise<SealedKey | undefined> {
    const keys = await transact(this.#database, { mode: 'read', projectId: 'all' }, async ({ sql }) => {
      return await readSharedKeys(sql);
    });
    return keys.find((key) => key.name === name)?.sealed;
  }

  async #create(name: string): Promise<SealedKey> {
    const made = await this.#sealer.seal(randomBytes(KEY_BYTES), contextOf(name));
    await transact(this.#database, { mode: 'write', projectId: 'all' }, async ({ sql }) => {
      const { keyId, fingerprint, wrapped, iv, ciphertext, tag } = made;
      await sql.query(
        `insert into nodes.shared_key (name, key_id, key_fingerprint, wrapped, iv, ciphertext, tag)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`,
        [name, keyId, fingerprint, wrapped, iv, ciphertext, tag],
        'insert_shared_key',
      );
    });
    // Another process may have been faster.
    return (await this.#read(name)) ?? made;
  }
}

async function readSharedKeys(sql: Sql): Promise<readonly StoredSharedKey[]> {
  const rows = await sql.query<SharedKeyRow>(
    `select name, key_id as "keyId", key_fingerprint as fingerprint, wrapped, iv, ciphertext, tag from nodes.shared_key
     order by name`,
    [],
    'shared_keys',
  );
  return rows.map(({ name, ...sealed }) => ({ name, sealed: { v: 1, ...sealed } }));
}

/** Encrypts the keys with the current key of the key store. Returns the number of changed ones. `rewrap` is called with the context of each. */
export async function rewrapSharedKeys(
  sql: Sql,
  rewrap: (sealed: SealedKey, context: string) => Promise<SealedKey>,
): Promise<number> {
  let rewrapped = 0;
  for (const { name, sealed } of await readSharedKeys(sql)) {
    const renewed = await rewrap(sealed, contextOf(name));
    if (renewed === sealed) continue;
    const { keyId, fingerprint, wrapped } = renewed;
    await sql.query(
      'update nodes.shared_key set key_id = $2, key_fingerprint = $3, wrapped = $4 where name = $1',
      [name, keyId, fingerprint, wrapped],
      'rewrap_shared_key',
    );
    rewrapped += 1;
  }
  return rewrapped;
}
