/** Connects the verification of stored objects with the marks of damaged ones in the database. */
import type { BlobStore } from '#engines/blobs/contract.ts';
import { verifiedBlobs, type VerifiedBlobs } from '#engines/blobs/verified.ts';
import type { Database } from '#engines/database/contract.ts';
import { clearDamage, expectedObject, markDamaged } from '#kernel/content/damage.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';

export interface ContentVerificationParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
}

/** Every reader of content uses the returned store. */
export function verifyContent(store: BlobStore, { database, clock, log }: ContentVerificationParts): VerifiedBlobs {
  return verifiedBlobs(store, {
    clock,
    expected: async (locator) => await expectedObject(database, locator),
    report: async (found) => {
      try {
        const isNew = await markDamaged(database, found);
        if (isNew) log.error('a stored object is damaged', { locator: found.locator, kind: found.kind });
      } catch (error) {
        // The reader receives the damage as its error either way.
        log.error('a damaged object could not be marked', { locator: found.locator, kind: found.kind, error });
      }
    },
    intact: async (locator) => {
      if (await clearDamage(database, locator)) log.info('a damaged object is repaired', { locator });
    },
  });
}
