/** Connects the verification of stored objects with the marks of damaged ones in the database. */
import type { VerificationOptions } from '#engines/blobs/contract.ts';
import type { Database } from '#engines/database/contract.ts';
import { clearDamage } from '#kernel/content/damage.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import { expectedObject, markDamaged, readSums, writeSums } from './content-damage.ts';

export interface ContentVerificationDependencies {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
}

/** What `verifiedBlobs` needs: every reader of content uses the store that it returns. */
export function verificationBy({ database, clock, log }: ContentVerificationDependencies): VerificationOptions {
  return {
    clock,
    expected: async (locator) => await expectedObject(database, locator),
    sums: async (locator) => await readSums(database, locator),
    keepSums: async (locator, sums) => {
      try {
        await writeSums(database, locator, sums);
      } catch (error) {
        log.warn('could not store the checksums of a stored object', { locator, error });
      }
    },
    report: async (found) => {
      try {
        const isNew = await markDamaged(database, found);
        if (isNew) log.error('a stored object is damaged', { locator: found.locator, kind: found.kind });
      } catch (error) {
        // The reader receives the damage as its error either way.
        log.error('could not mark a damaged object', { locator: found.locator, kind: found.kind, error });
      }
    },
    intact: async (locator) => {
      if (await clearDamage(database, locator)) log.info('a damaged object was repaired', { locator });
    },
  };
}
