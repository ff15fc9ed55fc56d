/** Wraps the private keys of the certificate authority and the shared keys with the current key-encryption key. */
import { DaisError } from '@dais/api';
import type { JobHandler } from '#kernel/job-runner.ts';
import { storeWrapped, trustedAuthorities } from './authority-rows.ts';
import { contextOf, type SealedKey, type Sealer } from './sealer.ts';
import { rewrapSharedKeys } from '../shared-keys.ts';

export const KEYS_QUEUE = 'authority keys';

/** Handles the job. A key that cannot be decrypted is skipped: nodes that need it report it. */
export function rewrapHandler(sealer: Sealer): JobHandler {
  const rewrap = async (sealed: SealedKey, context: string) =>
    await sealer.rewrap(sealed, context).catch((error: unknown) => {
      if (error instanceof DaisError && !error.retryable) return sealed;
      throw error;
    });
  return {
    queue: KEYS_QUEUE,
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 1000, capMs: 600_000 },
    run: async (_job, io) =>
      await io.write(async (tx) => {
        await tx.enter('all');
        let rewrapped = await rewrapSharedKeys(tx.sql, rewrap);
        for (const { generation, sealed } of await trustedAuthorities(tx.sql)) {
          const renewed = await rewrap(sealed, contextOf(generation));
          if (renewed === sealed) continue;
          await storeWrapped(tx.sql, generation, renewed);
          rewrapped++;
        }
        return { rewrapped };
      }),
  };
}
