/** Finds the nearest upstream node of a type. */
import type { LineageNodeType } from '@dais/api';
import type { Transaction } from '#kernel/transaction.ts';
import { neighbors } from './neighbors.ts';

const MOST_STEPS = 6;
const MOST_EDGES = 500;

/** Returns its key; of several at equal distance, that of the newest edge. Undefined: none within a few steps. */
export async function nearestUpstream(
  tx: Transaction,
  from: string,
  type: LineageNodeType,
): Promise<string | undefined> {
  const seen = new Set([from]);
  let at = [from];
  for (let step = 0; step < MOST_STEPS && at.length > 0; step++) {
    const edges = (await neighbors(tx, at, 'upstream', MOST_EDGES)).filter(({ source }) => !seen.has(source));
    const found = edges
      .filter(({ source }) => source.startsWith(`${type}:`))
      .toSorted((a, b) => Number(b.at - a.at) || (a.source < b.source ? -1 : 1))[0];
    if (found !== undefined) return found.source;
    at = [...new Set(edges.map(({ source }) => source))];
    for (const key of at) seen.add(key);
  }
  return undefined;
}
