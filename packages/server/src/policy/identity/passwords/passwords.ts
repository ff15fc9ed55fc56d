/** Rows of passwords: one hash a user. */
import type { Sql } from '#engines/database/contract.ts';

/** A uid for missing users, so that the lookup of their password runs the same query. */
export const MISSING_USER_UID = '00000000-0000-0000-0000-000000000000';

export async function readPasswordHash(sql: Sql, userUid: string): Promise<string | undefined> {
  const [row] = await sql.query<{ hash: string }>(
    'select hash from policy.password where user_uid = $1',
    [userUid],
    'read_password',
  );
  return row?.hash;
}

/** No password is valid until the user sets a new one. */
export async function removePassword(sql: Sql, userUid: string): Promise<void> {
  await sql.query('delete from policy.password where user_uid = $1', [userUid], 'remove_password');
}

export async function writePasswordHash(sql: Sql, userUid: string, hash: string): Promise<void> {
  await sql.query(
    `insert into policy.password (user_uid, hash) values ($1, $2)
     on conflict (user_uid) do update set hash = excluded.hash, changed_at = clock_timestamp()`,
    [userUid, hash],
    'write_password',
  );
}
