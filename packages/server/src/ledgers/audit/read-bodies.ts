import type { Sql } from '#engines/database/contract.ts';
import type { ArchiveStore } from './archive-store.ts';

export interface StoredBody {
  readonly seq: number;
  readonly body: Buffer;
  /** Undefined for archived entries. */
  readonly leaf?: Buffer;
}

/** Reads entries from `from` in order, from the table or the archives. Requires access to the rows of all projects. */
export async function readBodies(sql: Sql, archives: ArchiveStore, from: number, limit: number): Promise<StoredBody[]> {
  const rows = await sql.query<{ seq: bigint; body: Buffer; leaf: Buffer }>(
    'select seq, body, leaf from audit.entry where seq >= $1 order by seq limit $2',
    [from, limit],
    'audit_bodies',
  );
  const here = rows.map(({ seq, body, leaf }) => ({ seq: Number(seq), body, leaf }));
  const first = here[0]?.seq;
  if (first === from) return here;
  const wanted = first === undefined ? limit : Math.min(limit, first - from);
  return [...(await archives.bodies(sql, from, wanted)), ...here].slice(0, limit);
}
