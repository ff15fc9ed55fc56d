/** Signs the state of the log in the transaction that reads it, and stores the note until all receivers have it. */
import { checkpointText, rangeRoot, signedNote } from '@dais/api/tlog';
import type { Sql } from '#engines/database/contract.ts';
import type { AuditKeys } from './audit-keys.ts';
import { treeHasher } from './hashing.ts';
import type { LogState } from './tree-store.ts';

export interface KeptCheckpoint {
  readonly size: number;
  readonly at: Date;
  readonly note: string;
}

export function originOf(keys: AuditKeys, branch: string): string {
  return `${keys.name}/${branch}`;
}

/** Signs the state and stores the note. A log of this size that is already signed is unchanged. */
export async function signState(sql: Sql, keys: AuditKeys, state: LogState): Promise<void> {
  const { range, branch } = state;
  const origin = originOf(keys, branch);
  const text = checkpointText({ origin, size: range.size, root: rangeRoot(treeHasher, range) });
  const { name, keyHash } = keys.verifier;
  const note = signedNote(text, { name, keyHash, signature: keys.sign(text) });
  await sql.query(
    'insert into audit.checkpoint (size, branch, note) values ($1, $2, $3) on conflict do nothing',
    [range.size, branch, note],
    'audit_sign',
  );
}

interface CheckpointRow {
  size: bigint;
  at: Date;
  note: string;
}

function kept(row: CheckpointRow): KeptCheckpoint {
  return { size: Number(row.size), at: row.at, note: row.note };
}

/** Returns the newest checkpoint of a branch, and its age in milliseconds by the clock of the database. */
export async function newestCheckpoint(
  sql: Sql,
  branch: string,
): Promise<(KeptCheckpoint & { readonly ageMs: number }) | undefined> {
  const [row] = await sql.query<CheckpointRow & { age: number }>(
    `select size, at, note, extract(epoch from clock_timestamp() - at)::float8 * 1000 as age
     from audit.checkpoint where branch = $1 order by size desc limit 1`,
    [branch],
    'audit_newest_checkpoint',
  );
  return row === undefined ? undefined : { ...kept(row), ageMs: row.age };
}

/** Returns checkpoints of a branch over more than `after` entries, in order. */
export async function checkpointsAfter(
  sql: Sql,
  branch: string,
  after: number,
  limit: number,
): Promise<KeptCheckpoint[]> {
  const rows = await sql.query<CheckpointRow>(
    'select size, at, note from audit.checkpoint where branch = $1 and size > $2 order by size limit $3',
    [branch, after, limit],
    'audit_checkpoints_after',
  );
  return rows.map(kept);
}

/** Returns checkpoints of all branches, by size. */
export async function listCheckpoints(sql: Sql, after: number, limit: number): Promise<KeptCheckpoint[]> {
  const rows = await sql.query<CheckpointRow>(
    'select size, at, note from audit.checkpoint where size > $1 order by size, at limit $2',
    [after, limit],
  );
  return rows.map(kept);
}

export async function checkpointOver(sql: Sql, size: number): Promise<KeptCheckpoint | undefined> {
  const [row] = await sql.query<CheckpointRow>(
    'select size, at, note from audit.checkpoint where size = $1 order by at desc limit 1',
    [size],
  );
  return row === undefined ? undefined : kept(row);
}
