/** What people call nodes, and which of them a caller may read; for those who present paths of their own. */
import type { Call } from '#kernel/entry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { storedNodes } from './neighbours.ts';
import type { NodeSource } from './node-source.ts';
import { Sight } from './sight.ts';

/** By key; nodes that nobody named are missing. */
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

/** Those of the keys that the caller may read. */
export async function readableNodes(
  tx: Transaction,
  call: Pick<Call, 'authorize' | 'tenant'>,
  keys: readonly string[],
  sources: readonly NodeSource[],
): Promise<ReadonlySet<string>> {
  if (keys.length === 0) return new Set();
  const seen = await new Sight(tx, call, sources).look(keys);
  return new Set(keys.filter((key) => seen.get(key) !== undefined));
}
