/** Rows of passwords: one hash a user. */
import type { Sql } from '#engines/database/contract.ts';

/** Stands for users that are not there, so that looking for their password is a query like any other. */
export const NOBODY = '00000000-0000-0000-0000-000000000000';

export async function readPasswordHash(sql: Sql, userUid: string): Promise<string | undefined> {
  const [row] = await sql.query<{ hash: string }>(
    'select hash from policy.password where user_uid = $1',
    [userUid],
    'read_password',
  );
  return row?.hash;
}

/** Until a new one is chosen, nobody signs in with any. */
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
