import type { Transaction } from '#kernel/transaction.ts';
import {
  activeExperiment,
  DEFAULT_NUMBER,
  experimentDeleted,
  findExperiments,
  noExperiment,
} from '../experiments/experiment-lookup.ts';

/**
 * Returns the internal number of an active experiment. It is not locked, because every request would wait for the lock, so
 * an experiment that is deleted concurrently may get another trace. @throws DaisError `not_found`, `invalid_state`.
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
