import type { Sql } from '#engines/database/contract.ts';
import type { KeyInfo } from '#engines/keys/contract.ts';
import type { Sealed } from './sealing.ts';

/** One sealed value and where it belongs. */
export interface StoredValue {
  readonly secretUid: string;
  readonly projectId: string;
  readonly key: string;
  readonly print: Buffer;
  readonly sealed: Sealed;
}

/** The identity of the value, as authenticated by both layers of the seal. */
export function contextOf(value: Pick<StoredValue, 'projectId' | 'secretUid' | 'key'>): string {
  return `${value.projectId}/${value.secretUid}/${value.key}`;
}

interface SealedRow {
  key_id: string;
  key_fingerprint: string;
  wrapped: Buffer;
  iv: Buffer;
  ciphertext: Buffer;
  tag: Buffer;
}

interface ValueRow extends SealedRow {
  secret_uid: string;
  project_id: string;
  key: string;
  print: Buffer;
}

const SEALED_COLUMNS = 'key_id, key_fingerprint, wrapped, iv, ciphertext, tag';

function sealedFromRow(row: SealedRow): Sealed {
  const { key_id, key_fingerprint, wrapped, iv, ciphertext, tag } = row;
  return { v: 1, keyId: key_id, fingerprint: key_fingerprint, wrapped, iv, ciphertext, tag };
}

function valueFromRow(row: ValueRow): StoredValue {
  return {
    secretUid: row.secret_uid,
    projectId: row.project_id,
    key: row.key,
    print: row.print,
    sealed: sealedFromRow(row),
  };
}

/** All values of one secret, by key. */
export async function readValues(sql: Sql, projectId: string, secretUid: string): Promise<StoredValue[]> {
  const rows = await sql.query<ValueRow>(
    `select secret_uid, project_id, key, print, ${SEALED_COLUMNS} from secret.value
     where project_id = $1 and secret_uid = $2 order by key`,
    [projectId, secretUid],
    'secret_values',
  );
  return rows.map(valueFromRow);
}

export async function putValue(sql: Sql, value: StoredValue): Promise<void> {
  const { sealed } = value;
  await sql.query(
    `insert into secret.value (secret_uid, key, project_id, print, ${SEALED_COLUMNS})
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
     on conflict (secret_uid, key) do update set print = excluded.print, key_id = excluded.key_id,
       key_fingerprint = excluded.key_fingerprint, wrapped = excluded.wrapped, iv = excluded.iv,
       ciphertext = excluded.ciphertext, tag = excluded.tag`,
    [value.secretUid, value.key, value.projectId, value.print, ...sealedValues(sealed)],
    'put_secret_value',
  );
}

function sealedValues(sealed: Sealed): unknown[] {
  return [sealed.keyId, sealed.fingerprint, sealed.wrapped, sealed.iv, sealed.ciphertext, sealed.tag];
}

export async function deleteValues(
  sql: Sql,
  projectId: string,
  secretUid: string,
  keys: readonly string[],
): Promise<void> {
  await sql.query('delete from secret.value where project_id = $1 and secret_uid = $2 and key = any($3::text[])', [
    projectId,
    secretUid,
    keys,
  ]);
}

export async function deleteAllValues(sql: Sql, projectId: string, secretUid: string): Promise<void> {
  await sql.query('delete from secret.value where project_id = $1 and secret_uid = $2', [projectId, secretUid]);
}

/** Replaces the wrapped data key of a value that has not changed since it was read; returns false if it has. */
export async function replaceWrapped(sql: Sql, value: StoredValue, sealed: Sealed): Promise<boolean> {
  const rows = await sql.query(
    `update secret.value set key_id = $4, key_fingerprint = $5, wrapped = $6
     where project_id = $1 and secret_uid = $2 and key = $3 and wrapped = $7 returning 1`,
    [
      value.projectId,
      value.secretUid,
      value.key,
      sealed.keyId,
      sealed.fingerprint,
      sealed.wrapped,
      value.sealed.wrapped,
    ],
    'replace_wrapped',
  );
  return rows.length === 1;
}

/** A value that cannot be decrypted counts as changed, so that a new value replaces it. */
export async function deleteFingerprint(sql: Sql, value: StoredValue): Promise<void> {
  await sql.query(
    `update secret.value set print = '' where project_id = $1 and secret_uid = $2 and key = $3 and wrapped = $4`,
    [value.projectId, value.secretUid, value.key, value.sealed.wrapped],
  );
}

/**
 * Values that another key wraps, in order of secret and key, from after a place. Needs a transaction that sees all
 * projects.
 */
export async function valuesUnderOtherKeys(
  sql: Sql,
  current: KeyInfo,
  after: { readonly secretUid: string; readonly key: string } | undefined,
  limit: number,
): Promise<StoredValue[]> {
  const rows = await sql.query<ValueRow>(
    `select secret_uid, project_id, key, print, ${SEALED_COLUMNS} from secret.value
     where (key_fingerprint <> $1 or key_id <> $2) and (secret_uid, key) > ($3::uuid, $4::text)
     order by secret_uid, key limit $5`,
    [
      current.fingerprint,
      current.keyId,
      after?.secretUid ?? '00000000-0000-0000-0000-000000000000',
      after?.key ?? '',
      limit,
    ],
  );
  return rows.map(valueFromRow);
}

/** How many values each key wraps, over all projects. */
export async function countByKey(sql: Sql): Promise<(KeyInfo & { readonly values: number })[]> {
  return await sql.query(
    `select key_id as "keyId", key_fingerprint as fingerprint, count(*)::int as values from secret.value
     group by key_id, key_fingerprint order by key_id`,
  );
}

export async function readFingerprintKey(sql: Sql): Promise<Sealed | undefined> {
  const [row] = await sql.query<SealedRow>(`select ${SEALED_COLUMNS} from secret.print_key`, [], 'print_key');
  return row === undefined ? undefined : sealedFromRow(row);
}

/** Inserts the key, unless a concurrent transaction inserted one. */
export async function insertFingerprintKey(sql: Sql, sealed: Sealed): Promise<void> {
  await sql.query(
    `insert into secret.print_key (${SEALED_COLUMNS}) values ($1, $2, $3, $4, $5, $6) on conflict do nothing`,
    sealedValues(sealed),
  );
}

/** Replaces the value that was read; does nothing if it changed concurrently. */
export async function replaceFingerprintKey(sql: Sql, before: Sealed, sealed: Sealed): Promise<void> {
  await sql.query(
    `update secret.print_key set key_id = $1, key_fingerprint = $2, wrapped = $3, iv = $4, ciphertext = $5, tag = $6
     where wrapped = $7`,
    [...sealedValues(sealed), before.wrapped],
  );
}
