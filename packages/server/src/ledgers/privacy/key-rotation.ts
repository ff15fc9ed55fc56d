/** Wraps pseudonym keys with key-encryption keys: counts them by key, and rewraps them after a rotation. */
import { DaisError } from '@dais/api';
import type { Sql } from '#engines/database/contract.ts';
import type { KeyInfo } from '#engines/keys/contract.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import { contextOf, KEY_COLUMNS, sealedOf, type KeyRow, type Sealer } from './pseudonym-keys.ts';

export const KEYS_QUEUE = 'pseudonym keys';
/** Keys per transaction. */
const BATCH = 100;

/** Counts pseudonym keys by key-encryption key. */
export async function countByKey(sql: Sql): Promise<(KeyInfo & { readonly values: number })[]> {
  return await sql.query(
    `select key_id as "keyId", key_fingerprint as fingerprint, count(*)::int as values from privacy.pseudonym_key
     where key_id is not null and key_fingerprint is not null group by key_id, key_fingerprint order by key_id`,
  );
}

/** Skips keys that cannot be unwrapped: they are reported on use. */
export function rewrapHandler(sealer: Sealer): JobHandler {
  return {
    queue: KEYS_QUEUE,
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 1000, capMs: 600_000 },
    run: async (_job, io) => {
      let rewrapped = 0;
      for (let after: Pick<KeyRow, 'project_id' | 'number'> = { project_id: ORGANIZATION, number: 0 }; ;) {
        io.signal.throwIfAborted();
        const from = after;
        const rows = await io.write(async (tx) => {
          await tx.enter('all');
          const some = await tx.sql.query<KeyRow>(
            `select ${KEY_COLUMNS} from privacy.pseudonym_key where wrapped is not null and (project_id, number) > ($1, $2)
             order by project_id, number limit ${BATCH} for update`,
            [from.project_id, from.number],
          );
          for (const row of some) rewrapped += await rewrapOne(tx.sql, sealer, row);
          return some;
        });
        const last = rows.at(-1);
        if (last === undefined) return { rewrapped };
        after = last;
      }
    },
  };
}

async function rewrapOne(sql: Sql, sealer: Sealer, row: KeyRow): Promise<number> {
  const sealed = sealedOf(row);
  if (sealed === undefined) return 0;
  const renewed = await sealer.rewrap(sealed, contextOf(row)).catch((error: unknown) => {
    if (error instanceof DaisError && !error.retryable) return sealed;
    throw error;
  });
  if (renewed === sealed) return 0;
  await sql.query(
    'update privacy.pseudonym_key set key_id = $3, key_fingerprint = $4, wrapped = $5 where project_id = $1 and number = $2',
    [row.project_id, row.number, renewed.keyId, renewed.fingerprint, renewed.wrapped],
  );
  return 1;
}
