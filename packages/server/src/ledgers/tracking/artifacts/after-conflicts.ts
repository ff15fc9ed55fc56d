import { DaisError } from '@dais/api';
import type { Database } from '#engines/database/contract.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';

/** Two writers of one name take turns; each try can lose to another one. */
const TRIES = 5;

/** Writes again when somebody else took the name at this moment. @throws DaisError `conflict` when it happens too often. */
export async function afterConflicts<T>(
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
