/**
 * The version of everything that decisions and credentials rest on. Whoever changes such a thing moves it in the same
 * transaction; whatever was cached under an older version counts no more. Strict without a message between processes:
 * each operation reads it in its own transaction.
 */
import type { Prelude, Sql } from '#engines/database/contract.ts';
import type { Transaction } from '#kernel/transaction.ts';

/** Comes with the beginning of transactions that decide about quick reads. */
export const versionPrelude: Prelude = { text: 'select version from policy.state', name: 'policy_version' };

export async function readVersion(sql: Sql): Promise<bigint> {
  if (sql.prelude !== undefined) return BigInt(sql.prelude);
  const { text, name } = versionPrelude;
  const [row] = await sql.query<{ version: bigint }>(text, [], name);
  if (row === undefined) throw new Error('policy.state has no row');
  return row.version;
}

export async function bumpVersion(tx: Transaction): Promise<void> {
  await tx.sql.query('update policy.state set version = version + 1', [], 'bump_policy_version');
  ringAccess(tx);
}

/** PostgreSQL channel on which writers say that somebody may do more, or less, than before. A hint only. */
export const ACCESS_CHANNEL = 'dais_access';

/** When the transaction commits. */
export function ringAccess({ sql }: Transaction): void {
  sql.defer(`select pg_notify('${ACCESS_CHANNEL}', '')`, [], 'ring_access');
}

/**
 * Keeps everything that decisions rest on as it is until the transaction ends, so that what is about to be made (a
 * session, a token) cannot slip past somebody who ends all of an account's at the same moment.
 */
export async function holdVersion(tx: Transaction): Promise<void> {
  await tx.sql.query('select version from policy.state for share', [], 'hold_policy_version');
}
