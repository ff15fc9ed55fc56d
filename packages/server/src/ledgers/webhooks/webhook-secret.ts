/** Secrets of webhooks: encrypted for one webhook, and wrapped again when keys change. */
import { DaisError } from '@dais/api';
import type { Sql } from '#engines/database/contract.ts';
import type { KeyInfo } from '#engines/keys/contract.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import type { SealedSecret, Sealer } from './webhook-dependencies.ts';
import { sealedOf, WEBHOOK_COLUMNS, type WebhookRow } from './webhook-rows.ts';

export const KEYS_QUEUE = 'webhook keys';
/** Secrets per transaction. */
const BATCH = 100;

interface Whose {
  readonly id: string;
  readonly project_id: string;
}

/** The context of a secret: it cannot be decrypted for another webhook. */
const contextOf = ({ id, project_id: project }: Whose) => `${project}/${id}/webhook`;

export async function sealSecret(sealer: Sealer, whose: Whose, secret: string): Promise<SealedSecret> {
  return await sealer.seal(Buffer.from(secret, 'utf8'), contextOf(whose));
}

/** Decrypts the secret. Undefined: there is none. @throws DaisError `key_missing`, `key_mismatch`, `keys_unavailable`. */
export async function openSecret(sealer: Sealer, row: WebhookRow): Promise<string | undefined> {
  const sealed = sealedOf(row);
  return sealed === undefined ? undefined : (await sealer.open(sealed, contextOf(row))).toString('utf8');
}

/** Returns the number of secrets wrapped with each key. */
export async function countByKey(sql: Sql): Promise<(KeyInfo & { readonly values: number })[]> {
  return await sql.query(
    `select key_id as "keyId", key_fingerprint as fingerprint, count(*)::int as values from webhooks.webhook
     where key_id is not null and key_fingerprint is not null group by key_id, key_fingerprint order by key_id`,
  );
}

/** Handles the job. Secrets that cannot be decrypted are skipped; deliveries report them. */
export function rewrapHandler(sealer: Sealer): JobHandler {
  return {
    queue: KEYS_QUEUE,
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 1000, capMs: 600_000 },
    run: async (_job, io) => {
      let rewrapped = 0;
      for (let after = ORGANIZATION; ;) {
        io.signal.throwIfAborted();
        const from = after;
        const rows = await io.write(async (tx) => {
          await tx.enter('all');
          const batch = await tx.sql.query<WebhookRow>(
            `select ${WEBHOOK_COLUMNS} from webhooks.webhook where wrapped is not null and id > $1 order by id limit ${BATCH}
             for update`,
            [from],
          );
          for (const row of batch) rewrapped += await rewrapOne(tx.sql, sealer, row);
          return batch;
        });
        const last = rows.at(-1);
        if (last === undefined) return { rewrapped };
        after = last.id;
      }
    },
  };
}

async function rewrapOne(sql: Sql, sealer: Sealer, row: WebhookRow): Promise<number> {
  const sealed = sealedOf(row);
  if (sealed === undefined) return 0;
  const renewed = await sealer.rewrap(sealed, contextOf(row)).catch((error: unknown) => {
    if (error instanceof DaisError && !error.retryable) return sealed;
    throw error;
  });
  if (renewed === sealed) return 0;
  await sql.query('update webhooks.webhook set key_id = $2, key_fingerprint = $3, wrapped = $4 where id = $1', [
    row.id,
    renewed.keyId,
    renewed.fingerprint,
    renewed.wrapped,
  ]);
  return 1;
}
