/**
 * A write conflict. It has PostgreSQL's code of a serialization failure, so that `Database.transaction` retries with
 * the changes of the other writer.
 */
export class WriteRace extends Error {
  readonly code = '40001';
}

/** A concurrent transaction broke a foreign key: a row that was read before has changed. */
export async function foreignKeyRace<T>(statement: Promise<T>, otherwise?: () => Error): Promise<T> {
  try {
    return await statement;
  } catch (error) {
    if ((error as { code?: unknown } | null)?.code !== '23503') throw error;
    throw otherwise?.() ?? new WriteRace('a referenced or referencing resource changed concurrently', { cause: error });
  }
}
