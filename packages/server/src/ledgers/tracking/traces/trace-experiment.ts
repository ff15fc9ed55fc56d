import type { Transaction } from '#kernel/transaction.ts';
import {
  activeExperiment,
  DEFAULT_NUMBER,
  experimentDeleted,
  findExperiments,
  noExperiment,
} from '../experiment-lookup.ts';

/**
 * The number inside of an experiment that takes traces. Without a lock on it, which every request would wait for: one that
 * is deleted in this moment may get another trace. @throws DaisError `not_found`, `invalid_state`.
 */
export async function writableExperiment(tx: Transaction, number: string, now: number): Promise<bigint> {
  const [row] = await findExperiments(tx, [number]);
  if (row === undefined) {
    if (number !== DEFAULT_NUMBER) throw noExperiment(number);
    return (await activeExperiment(tx, number, now)).id;
  }
  if (row.deleted_at !== null) throw experimentDeleted(number);
  return row.id;
}
