/** The Merkle tree in the database: its size, and the hashes for proofs. */
import { coveringNodes, GrowingTree, rangeRoot, type CompactRange, type Hash } from '@dais/api/tlog';
import type { Sql } from '#engines/database/contract.ts';
import { treeHasher } from './hashing.ts';

export interface LogState {
  readonly branch: string;
  readonly range: CompactRange;
  /** The branch before a restore, until an entry records it. */
  readonly forkedFrom: string | undefined;
  readonly forkedAt: number | undefined;
  readonly hold: string | undefined;
}

interface StateRow {
  branch: string;
  size: bigint;
  hashes: Buffer[];
  forked_from: string | null;
  forked_at: bigint | null;
  hold_reason: string | null;
}

const STATE = 'select branch, size, hashes, forked_from, forked_at, hold_reason from audit.state';

export async function readState(sql: Sql): Promise<LogState> {
  return stateOf(await sql.query<StateRow>(STATE, [], 'audit_state'));
}

/** Locks the state until the transaction ends, so that one process appends at a time. */
export async function lockState(sql: Sql): Promise<LogState> {
  return stateOf(await sql.query<StateRow>(`${STATE} for update`, [], 'audit_lock_state'));
}

function stateOf([row]: StateRow[]): LogState {
  if (row === undefined) throw new Error('audit.state has no row');
  return {
    branch: row.branch,
    range: { size: Number(row.size), hashes: row.hashes },
    forkedFrom: row.forked_from ?? undefined,
    forkedAt: row.forked_at === null ? undefined : Number(row.forked_at),
    hold: row.hold_reason ?? undefined,
  };
}

export function writeState(sql: Sql, range: CompactRange, announced: boolean): void {
  sql.defer(
    `update audit.state set size = $1, hashes = $2::bytea[], forked_from = case when $3 then null else forked_from end,
       forked_at = case when $3 then null else forked_at end`,
    [range.size, range.hashes, announced],
    'audit_write_state',
  );
}

/** Stores every eighth level of complete subtrees. */
export const NODE_LEVELS: readonly number[] = [8, 16, 24, 32, 40];

/** Returns the hash of entries `from` to `to` (exclusive), a subtree of a proof. */
export async function partHash(
  sql: Sql,
  from: number,
  to: number,
  archived: (from: number, to: number) => Promise<readonly Hash[]>,
): Promise<Hash> {
  const hashes = [];
  for (const { level, index } of coveringNodes(from, to)) hashes.push(await nodeHash(sql, level, index, archived));
  return rangeRoot(treeHasher, { size: 0, hashes });
}

/** Reads at most 255 hashes of the next stored level below. */
async function nodeHash(
  sql: Sql,
  level: number,
  index: number,
  archived: (from: number, to: number) => Promise<readonly Hash[]>,
): Promise<Hash> {
  const base = Math.floor(level / 8) * 8;
  const width = 2 ** (level - base);
  const [from, to] = [index * width, (index + 1) * width];
  const hashes = base === 0 ? await leafHashes(sql, from, to, archived) : await keptHashes(sql, base, from, to);
  if (hashes.length !== width) throw new Error(`the tree lacks hashes of level ${base} between ${from} and ${to}`);
  const part = new GrowingTree(treeHasher);
  for (const hash of hashes) part.append(hash);
  return part.root();
}

async function keptHashes(sql: Sql, level: number, from: number, to: number): Promise<Hash[]> {
  const rows = await sql.query<{ hash: Buffer }>(
    'select hash from audit.node where level = $1 and index >= $2 and index < $3 order by index',
    [level, from, to],
    'audit_nodes',
  );
  return rows.map((row) => row.hash);
}

/** Reads archived entries from their archive. */
async function leafHashes(
  sql: Sql,
  from: number,
  to: number,
  archived: (from: number, to: number) => Promise<readonly Hash[]>,
): Promise<readonly Hash[]> {
  const rows = await sql.query<{ seq: bigint; leaf: Buffer }>(
    'select seq, leaf from audit.entry where seq >= $1 and seq < $2 order by seq',
    [from, to],
    'audit_leaves',
  );
  const first = rows[0] === undefined ? to : Number(rows[0].seq);
  const here = rows.map((row) => row.leaf);
  return first > from ? [...(await archived(from, first)), ...here] : here;
}
