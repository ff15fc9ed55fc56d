/** Processes long lists without blocking the event loop. */
import { setImmediate as turn } from 'node:timers/promises';

const ITEMS_A_TURN = 1000;

export async function collectYielding<T>(items: Iterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for (const item of items) {
    all.push(item);
    if (all.length % ITEMS_A_TURN === 0) await turn();
  }
  return all;
}
