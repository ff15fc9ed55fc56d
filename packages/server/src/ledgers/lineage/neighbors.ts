/** Reads edges by their ends. */
import type { LineageRelation } from '@dais/api/lineage';
import type { Transaction } from '#kernel/transaction.ts';

export interface EdgeRow {
  readonly source: string;
  readonly target: string;
  readonly relation: LineageRelation;
  readonly at: bigint;
}

export type Direction = 'upstream' | 'downstream';

/** Returns at most `limit` edges to (`upstream`) or from the nodes, in index order. */
export async function neighbors(
  { sql, projectId }: Transaction,
  keys: readonly string[],
  way: Direction,
  limit: number,
): Promise<EdgeRow[]> {
  const [near, far] = way === 'upstream' ? ['target', 'source'] : ['source', 'target'];
  return await sql.query<EdgeRow>(
    `select e.* from unnest($2::text[]) with ordinality k (key, at)
     cross join lateral (
       select source, target, relation, at from lineage.edge where project_id = $1 and ${near} = k.key order by ${far} limit $3
     ) e order by k.at limit $3`,
    [projectId, keys, limit],
    `neighbors_${way}`,
  );
}

export interface StoredNode {
  readonly key: string;
  readonly name: string | null;
  readonly data: Readonly<Record<string, string>>;
  readonly at: bigint;
}

export async function storedNodes({ sql, projectId }: Transaction, keys: readonly string[]): Promise<StoredNode[]> {
  return await sql.query<StoredNode>(
    'select key, name, data, at from lineage.node where project_id = $1 and key = any($2::text[])',
    [projectId, keys],
    'stored_nodes',
  );
}
