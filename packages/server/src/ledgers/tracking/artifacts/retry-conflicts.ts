import { DaisError } from '@dais/api';
import type { Database } from '#engines/database/contract.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';

/** Attempts before giving up: each can conflict with another writer of the same name. */
const TRIES = 5;

/** Retries a write after a concurrent write of the same name. @throws DaisError `conflict` after too many attempts. */
export async function retryConflicts<T>(
  database: Database,
  projectId: string,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await transact(database, { mode: 'write', projectId }, work);
    } catch (error) {
      if (!(error instanceof DaisError) || error.code !== 'conflict' || attempt === TRIES) throw error;
    }
  }
}
