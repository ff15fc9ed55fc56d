import type { Database } from '#engines/database/contract.ts';

/** PostgreSQL channel for notifications of changed permissions. A notification is only a hint. */
export const ACCESS_CHANNEL = 'dais_access';

/** A change of this process commits later than it is made, at most so much (ms) unless the database is very slow. */
const OWN_CHANGE_MS = 5000;

let ownChangeAt = Number.NEGATIVE_INFINITY;

/** Before the commit of a transaction that changes permissions. */
export function noteOwnAccessChange(): void {
  ownChangeAt = performance.now();
}

/**
 * Whether a decision may be reused without a round trip to the database. For 5 s after a change by this process none is reused: the change is
 * committed by then, and its next request sees it. A change by another process is known milliseconds after its commit, when its notification
 * arrives. It may be lost, so whoever reuses a decision also limits its age.
 */
export interface AccessChanges {
  /** The number of notifications: a decision may be reused while it is the same. Undefined: reuse none now. */
  count(): number | undefined;
  close(): Promise<void>;
}

export async function listenToAccessChanges(database: Pick<Database, 'listen'>): Promise<AccessChanges> {
  let changes = 0;
  const unlisten = await database.listen(ACCESS_CHANNEL, () => (changes += 1));
  return {
    count: () => (performance.now() - ownChangeAt < OWN_CHANGE_MS ? undefined : changes),
    close: unlisten,
  };
}
