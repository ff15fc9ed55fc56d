/** Returns the direct neighbors of a node, for protocol adapters. The caller must be permitted to see all of them. */
import type { LineageNodeType, LineageRelation } from '@dais/api/lineage';
import type { Transaction } from '#kernel/transaction.ts';
import { neighbors, storedNodes, type Direction } from './neighbors.ts';
import { parseKey } from './node-key.ts';
import type { NodeSource } from './node-source.ts';

export interface LinkedNode {
  readonly type: LineageNodeType;
  readonly id: string;
  readonly relation: LineageRelation;
  readonly name: string;
  readonly data: Readonly<Record<string, string>>;
}

/** Returns at most `limit` nodes in each direction. */
export async function linksOf(
  tx: Transaction,
  key: string,
  sources: readonly NodeSource[],
  limit: number,
): Promise<{ readonly upstream: readonly LinkedNode[]; readonly downstream: readonly LinkedNode[] }> {
  return {
    upstream: await oneWay(tx, key, sources, 'upstream', limit),
    downstream: await oneWay(tx, key, sources, 'downstream', limit),
  };
}

async function oneWay(
  tx: Transaction,
  key: string,
  sources: readonly NodeSource[],
  way: Direction,
  limit: number,
): Promise<readonly LinkedNode[]> {
  const rows = await neighbors(tx, [key], way, limit);
  const far = rows.map((row) => ({ relation: row.relation, key: way === 'upstream' ? row.source : row.target }));
  const stored = new Map(
    (
      await storedNodes(
        tx,
        far.map((one) => one.key),
      )
    ).map((node) => [node.key, node]),
  );
  const known = new Map<string, { readonly name: string; readonly data: Readonly<Record<string, string>> }>();
  for (const source of sources) {
    const { type } = source;
    const ids = far.flatMap((one) => (one.key.startsWith(`${type}:`) ? one.key.slice(type.length + 1) : []));
    if (ids.length === 0) continue;
    for (const [id, node] of await source.describe(tx, ids)) known.set(`${type}:${id}`, node);
  }
  return far.flatMap(({ relation, key: at }) => {
    const named = parseKey(at);
    if (named === undefined) return [];
    const { name, data } = known.get(at) ?? stored.get(at) ?? { name: named.id, data: {} };
    return [{ ...named, relation, name: name ?? named.id, data }];
  });
}
