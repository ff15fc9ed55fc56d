/**
 * Pseudonym keys of projects, and hash salts of datasets: 32 random bytes, sealed by the key engine like secrets, and
 * created on first use. After a key is destroyed, its pseudonyms can no longer be linked to
 * a person.
 */
import type { PseudonymKey } from '@dais/api/data';
import type { Database, Sql } from '#engines/database/contract.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import type { MaskKey } from './mask-expressions.ts';

/** Interface that seals with key-encryption keys, as for secrets. */
export interface Sealer {
  seal(plaintext: Buffer, context: string): Promise<SealedKey>;
  open(sealed: SealedKey, context: string): Promise<Buffer>;
  rewrap(sealed: SealedKey, context: string): Promise<SealedKey>;
}

export interface SealedKey {
  readonly v: 1;
  readonly keyId: string;
  readonly fingerprint: string;
  readonly wrapped: Buffer;
  readonly iv: Buffer;
  readonly ciphertext: Buffer;
  readonly tag: Buffer;
}

/** The owner of a key: a project, or the dataset of a salt. */
export interface KeyOwner {
  readonly projectId: string;
  readonly dataset?: { readonly uid: string; readonly name: string } | undefined;
}

export interface KeyRow {
  readonly project_id: string;
  readonly number: number;
  readonly dataset: string | null;
  readonly name: string | null;
  readonly state: PseudonymKey['state'];
  readonly key_id: string | null;
  readonly key_fingerprint: string | null;
  readonly wrapped: Buffer | null;
  readonly iv: Buffer | null;
  readonly ciphertext: Buffer | null;
  readonly tag: Buffer | null;
  readonly created_at: bigint;
  readonly destroyed_at: bigint | null;
}

export const KEY_COLUMNS = `project_id, number, dataset, name, state, key_id, key_fingerprint, wrapped, iv, ciphertext, tag,
  created_at, destroyed_at`;

const KEY_BYTES = 32;

export interface PseudonymKeysDependencies {
  readonly database: Database;
  readonly sealer: Sealer;
  /** Cryptographically secure. */
  readonly random: (bytes: number) => Buffer;
  readonly now: () => number;
}

export class PseudonymKeys {
  readonly #dependencies: PseudonymKeysDependencies;

  constructor(dependencies: PseudonymKeysDependencies) {
    this.#dependencies = dependencies;
  }

  /**
   * Returns the current key of an owner. A missing key is created in a separate transaction, because reads need it too. Keys are not
   * cached, so that a destroyed key is unusable immediately.
   * @throws DaisError `key_missing`, `key_mismatch`, `keys_unavailable`.
   */
  async current(sql: Sql, owner: KeyOwner): Promise<MaskKey> {
    const row = (await findCurrent(sql, owner)) ?? (await this.#make(owner));
    const sealed = sealedOf(row);
    if (sealed === undefined) throw new Error('a current key is not sealed');
    return { id: idOf(row), key: await this.#dependencies.sealer.open(sealed, contextOf(row)) };
  }

  async #make(owner: KeyOwner): Promise<KeyRow> {
    const request = { mode: 'write', projectId: owner.projectId } as const;
    return await transact(this.#dependencies.database, request, async (tx) => {
      await lockKeys(tx, owner);
      return (await findCurrent(tx.sql, owner)) ?? (await this.insert(tx, owner));
    });
  }

  /** Creates a key. The caller holds the lock and has retired the previous key. */
  async insert({ sql }: Transaction, owner: KeyOwner): Promise<KeyRow> {
    const { sealer, random, now } = this.#dependencies;
    const [last] = await sql.query<{ number: number }>(
      'select coalesce(max(number), 0)::int as number from privacy.pseudonym_key where project_id = $1',
      [owner.projectId],
      'last_pseudonym_key',
    );
    const number = (last?.number ?? 0) + 1;
    const secret = random(KEY_BYTES);
    const { keyId, fingerprint, wrapped, iv, ciphertext, tag } = await sealer
      .seal(secret, contextOf({ project_id: owner.projectId, number }))
      .finally(() => secret.fill(0));
    const [row] = await sql.query<KeyRow>(
      `insert into privacy.pseudonym_key (project_id, number, dataset, name, state, key_id, key_fingerprint, wrapped, iv,
         ciphertext, tag, created_at) values ($1, $2, $3, $4, 'current', $5, $6, $7, $8, $9, $10, $11) returning ${KEY_COLUMNS}`,
      [
        owner.projectId,
        number,
        owner.dataset?.uid ?? null,
        owner.dataset?.name ?? null,
        keyId,
        fingerprint,
        wrapped,
        iv,
        ciphertext,
        tag,
        now(),
      ],
      'insert_pseudonym_key',
    );
    if (row === undefined) throw new Error('no key was written');
    return row;
  }
}

/** Locks the keys of a project for creation, rotation and destruction. */
export async function lockKeys({ sql }: Transaction, { projectId }: Pick<KeyOwner, 'projectId'>): Promise<void> {
  await sql.query(`select pg_advisory_xact_lock(hashtextextended('privacy key ' || $1, 0))`, [projectId], 'lock_keys');
}

export async function findCurrent(sql: Sql, { projectId, dataset }: KeyOwner): Promise<KeyRow | undefined> {
  const [row] = await sql.query<KeyRow>(
    `select ${KEY_COLUMNS} from privacy.pseudonym_key
     where project_id = $1 and dataset is not distinct from $2::uuid and state = 'current'`,
    [projectId, dataset?.uid ?? null],
    'current_pseudonym_key',
  );
  return row;
}

/** The prefix of the output: `k` for a project key, `d` for the salt of a dataset. */
export function idOf({ number, dataset }: Pick<KeyRow, 'number' | 'dataset'>): string {
  return `${dataset === null ? 'k' : 'd'}${number}`;
}

/** Binds a sealed key to its project, so that a copy in another project cannot be opened. */
export function contextOf({ project_id: project, number }: Pick<KeyRow, 'project_id' | 'number'>): string {
  return `${project}/${number}/pseudonym`;
}

export function sealedOf(row: KeyRow): SealedKey | undefined {
  const { key_id: keyId, key_fingerprint: fingerprint, wrapped, iv, ciphertext, tag } = row;
  if (keyId === null || fingerprint === null || wrapped === null) return undefined;
  if (iv === null || ciphertext === null || tag === null) return undefined;
  return { v: 1, keyId, fingerprint, wrapped, iv, ciphertext, tag };
}

export function presentKey(row: KeyRow): PseudonymKey {
  return {
    id: idOf(row),
    ...(row.name !== null && { dataset: row.name }),
    state: row.state,
    createdAt: Number(row.created_at),
    ...(row.destroyed_at !== null && { destroyedAt: Number(row.destroyed_at) }),
  };
}
