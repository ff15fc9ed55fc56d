/** Wraps the keys of the log and of people with key-encryption keys: counts them by key, and rewraps them after a rotation. */
import type { Sql } from '#engines/database/contract.ts';
import type { KeyInfo, KeyStore } from '#engines/keys/contract.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import { rewrapKeys } from './audit-keys.ts';
import type { Persons } from './persons.ts';

export const KEYS_QUEUE = 'audit keys';
/** Keys per transaction. */
const BATCH = 100;

/** Counts keys by key-encryption key. */
export async function countByKey(sql: Sql): Promise<(KeyInfo & { readonly values: number })[]> {
  return await sql.query(
    `select key_id as "keyId", key_fingerprint as fingerprint, count(*)::int as values
     from (select key_id, key_fingerprint from audit.wrapped_key
           union all select key_id, key_fingerprint from audit.person
             where key_id is not null and key_fingerprint is not null) held
     group by key_id, key_fingerprint order by key_id`,
  );
}

/** Also runs once an hour, because external key managers rotate keys without notification. */
export function rewrapHandler(keys: KeyStore, persons: Persons): JobHandler {
  return {
    queue: KEYS_QUEUE,
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 1000, capMs: 600_000 },
    every: { firstMs: 60_000, againMs: 3_600_000 },
    async run(_job, io) {
      let rewrapped = 0;
      for (;;) {
        io.signal.throwIfAborted();
        const some = await io.write(
          async ({ sql }) => (await rewrapKeys(sql, keys, BATCH)) + (await persons.rewrap(sql, BATCH)),
        );
        rewrapped += some;
        if (some === 0) return { rewrapped };
      }
    },
  };
}
