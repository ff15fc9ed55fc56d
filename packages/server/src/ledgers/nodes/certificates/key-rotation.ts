/** Wraps the private keys of the certificate authority with the current key-encryption key. */
import { DaisError } from '@dais/api';
import type { JobHandler } from '#kernel/job-runner.ts';
import { storeWrapped, trustedAuthorities } from './authority-rows.ts';
import { contextOf, type Sealer } from './sealer.ts';

export const KEYS_QUEUE = 'authority keys';

/** Handles the job. A private key that cannot be decrypted is skipped: nodes that need it report it. */
export function rewrapHandler(sealer: Sealer): JobHandler {
  return {
    queue: KEYS_QUEUE,
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 1000, capMs: 600_000 },
    run: async (_job, io) =>
      await io.write(async (tx) => {
        await tx.enter('all');
        let rewrapped = 0;
        for (const { generation, sealed } of await trustedAuthorities(tx.sql)) {
          const renewed = await sealer.rewrap(sealed, contextOf(generation)).catch((error: unknown) => {
            if (error instanceof DaisError && !error.retryable) return sealed;
            throw error;
          });
          if (renewed === sealed) continue;
          await storeWrapped(tx.sql, generation, renewed);
          rewrapped++;
        }
        return { rewrapped };
      }),
  };
}
