/**
 * People that entries refer to. Each has a separate key, which seals their personal data. Erasing the key makes
 * the data permanently unreadable, while the entry and the tree remain unchanged.
 */
import { randomBytes } from 'node:crypto';
import type { Sql } from '#engines/database/contract.ts';
import type { KeyStore, WrappedKey } from '#engines/keys/contract.ts';
import { AES_KEY_BYTES, decryptGcm, encryptGcm, packGcm, unpackGcm } from '#lib/crypto/aes-gcm.ts';
import { uuidv7 } from '#lib/ids.ts';
import type { AuditKeyring } from './audit-keys.ts';

export interface Person {
  readonly id: string;
  readonly key: Buffer;
}

interface PersonRow {
  id: string;
  name_digest: Buffer | null;
  key_id: string | null;
  key_fingerprint: string | null;
  wrapped: Buffer | null;
}

/** Maximum number of cached keys of 32 bytes. */
const REMEMBERED = 10_000;

export class Persons {
  readonly #ring: AuditKeyring;
  readonly #keys: KeyStore;
  readonly #opened = new Map<string, Buffer>();

  constructor(ring: AuditKeyring, keys: KeyStore) {
    this.#ring = ring;
    this.#keys = keys;
  }

  /** Finds people by login name, and creates new ones. The caller holds the lock of the log's state. */
  async ensure(sql: Sql, names: readonly string[]): Promise<ReadonlyMap<string, Person>> {
    const found = new Map<string, Person>();
    if (names.length === 0) return found;
    const { digestOf } = await this.#ring.open();
    const nameOf = new Map(names.map((name) => [digestOf(name).toString('hex'), name]));
    const rows = await sql.query<PersonRow>(
      `select id, name_digest, key_id, key_fingerprint, wrapped from audit.person where name_digest = any($1::bytea[])`,
      [[...nameOf.keys()].map((digest) => Buffer.from(digest, 'hex'))],
      'audit_persons',
    );
    for (const row of rows) {
      const digest = row.name_digest?.toString('hex') ?? '';
      const name = nameOf.get(digest);
      const key = await this.#open(row);
      if (name !== undefined && key !== undefined) found.set(name, { id: row.id, key });
      nameOf.delete(digest);
    }
    for (const [digest, name] of nameOf) {
      const person = { id: uuidv7(), key: randomBytes(AES_KEY_BYTES) };
      const { keyId, fingerprint, wrapped } = await this.#keys.wrap(person.key, contextOf(person.id));
      await sql.query(
        `insert into audit.person (id, name_digest, key_id, key_fingerprint, wrapped) values ($1, $2, $3, $4, $5)`,
        [person.id, Buffer.from(digest, 'hex'), keyId, fingerprint, wrapped],
      );
      found.set(name, person);
    }
    return found;
  }

  /** Undefined if no entry refers to this name, or the person was forgotten. */
  async find(sql: Sql, name: string): Promise<string | undefined> {
    const { digestOf } = await this.#ring.open();
    const [row] = await sql.query<{ id: string }>('select id from audit.person where name_digest = $1', [
      digestOf(name),
    ]);
    return row?.id;
  }

  /** Opens the keys of people who are not forgotten. @throws DaisError `key_missing`, `keys_unavailable`. */
  async keysOf(sql: Sql, ids: readonly string[]): Promise<ReadonlyMap<string, Buffer>> {
    const keys = new Map<string, Buffer>();
    if (ids.length === 0) return keys;
    const rows = await sql.query<PersonRow>(
      'select id, name_digest, key_id, key_fingerprint, wrapped from audit.person where id = any($1::uuid[]) and wrapped is not null',
      [ids],
      'audit_person_keys',
    );
    for (const row of rows) {
      const key = await this.#open(row);
      if (key !== undefined) keys.set(row.id, key);
    }
    return keys;
  }

  /** Erases the key of a person. Returns its id; undefined if there is no such person. */
  async forget(sql: Sql, name: string): Promise<string | undefined> {
    // Appends hold this lock while they seal: afterwards no entry uses an erased key.
    await sql.query('select 1 from audit.state for update');
    const id = await this.find(sql, name);
    if (id === undefined) return undefined;
    await sql.query(
      `update audit.person set name_digest = null, key_id = null, key_fingerprint = null, wrapped = null,
         forgotten_at = clock_timestamp() where id = $1`,
      [id],
    );
    this.#opened.delete(id);
    return id;
  }

  /** Like `rewrapKeys`. */
  async rewrap(sql: Sql, limit: number): Promise<number> {
    const current = await this.#keys.current();
    const rows = await sql.query<PersonRow>(
      `select id, name_digest, key_id, key_fingerprint, wrapped from audit.person
       where wrapped is not null and key_fingerprint <> $1 limit $2`,
      [current.fingerprint, limit],
    );
    for (const row of rows) {
      const key = await this.#open(row);
      if (key === undefined) continue;
      const { keyId, fingerprint, wrapped } = await this.#keys.wrap(key, contextOf(row.id));
      await sql.query(
        'update audit.person set key_id = $2, key_fingerprint = $3, wrapped = $4 where id = $1 and wrapped is not null',
        [row.id, keyId, fingerprint, wrapped],
      );
    }
    return rows.length;
  }

  async #open(row: PersonRow): Promise<Buffer | undefined> {
    if (row.wrapped === null || row.key_id === null || row.key_fingerprint === null) return undefined;
    const remembered = this.#opened.get(row.id);
    if (remembered !== undefined) return remembered;
    const wrapped: WrappedKey = { keyId: row.key_id, fingerprint: row.key_fingerprint, wrapped: row.wrapped };
    const key = await this.#keys.unwrap(wrapped, contextOf(row.id));
    if (this.#opened.size >= REMEMBERED) this.#opened.clear();
    this.#opened.set(row.id, key);
    return key;
  }
}

/** Returns base64 of `iv ‖ ciphertext ‖ tag`, AES-256-GCM, bound to the person. */
export function sealFor(person: Person, text: string): string {
  return packGcm(encryptGcm(person.key, Buffer.from(text, 'utf8'), person.id)).toString('base64');
}

/** Undefined if it was not sealed with this key for this person. */
export function openFor(person: Person, sealed: string): string | undefined {
  const box = unpackGcm(Buffer.from(sealed, 'base64'));
  return box === undefined ? undefined : decryptGcm(person.key, box, person.id)?.toString('utf8');
}

function contextOf(id: string): string {
  return `audit/person/${id}`;
}
