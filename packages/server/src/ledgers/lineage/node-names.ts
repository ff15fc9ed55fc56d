/** Display names of nodes, and the nodes that a caller may read. */
import type { Call } from '#kernel/entry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { storedNodes } from './neighbors.ts';
import type { NodeSource } from './node-source.ts';
import { NodeVisibility } from './visibility.ts';

/** Returns names by key. Nodes without a name are missing. */
export async function nodeNames(
  tx: Transaction,
  keys: readonly string[],
  sources: readonly NodeSource[],
): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  for (const { key, name } of await storedNodes(tx, keys)) if (name !== null) names.set(key, name);
  for (const source of sources) {
    const prefix = `${source.type}:`;
    const ids = keys.flatMap((key) => (key.startsWith(prefix) ? key.slice(prefix.length) : []));
    if (ids.length === 0) continue;
    for (const [id, { name }] of await source.describe(tx, ids)) names.set(`${prefix}${id}`, name);
  }
  return names;
}

/** Returns the keys of nodes that the caller may read. */
export async function readableNodes(
  tx: Transaction,
  call: Pick<Call, 'authorize' | 'tenant'>,
  keys: readonly string[],
  sources: readonly NodeSource[],
): Promise<ReadonlySet<string>> {
  if (keys.length === 0) return new Set();
  const seen = await new NodeVisibility(tx, call, sources).visibleNodes(keys);
  return new Set(keys.filter((key) => seen.get(key) !== undefined));
}
