/**
 * The version of all data that decisions and credentials depend on. A change of such data increases the version in the
 * same transaction and invalidates all caches of older versions. This is strict without messages between processes,
 * because each operation reads the version in its own transaction.
 */
import type { Prelude, Sql } from '#engines/database/contract.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { ACCESS_CHANNEL, noteOwnAccessChange } from '#policy/access-changes.ts';

/** Read at the start of transactions that authorize quick reads. */
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
  notifyAccessChange(tx);
}

/** When the transaction commits. */
export function notifyAccessChange({ sql }: Transaction): void {
  noteOwnAccessChange();
  sql.defer(`select pg_notify('${ACCESS_CHANNEL}', '')`, [], 'ring_access');
}

/**
 * Locks the data that decisions depend on until the transaction ends, so that a new session or token cannot escape a
 * concurrent end of all sessions and tokens of an account.
 */
export async function holdVersion(tx: Transaction): Promise<void> {
  await tx.sql.query('select version from policy.state for share', [], 'hold_policy_version');
}
