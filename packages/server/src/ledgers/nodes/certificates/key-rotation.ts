/** Wraps the private keys of the certificate authority with the current key-encryption key. */
import { DaisError } from '@dais/api';
import type { KeyInfo } from '#engines/keys/contract.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import type { NewJob } from '#kernel/jobs.ts';
import { ORGANIZATION } from '#kernel/tenants.ts';
import { storeWrapped, trustedAuthorities } from './authority-rows.ts';
import { contextOf, type Sealer } from './sealer.ts';

const QUEUE = 'authority keys';

/** Returns the job that wraps the private keys with the current key. Only one job per key waits or runs at a time. */
export function rewrapJob(current: KeyInfo): NewJob {
  const payload = { fingerprint: current.fingerprint };
  return { queue: QUEUE, projectId: ORGANIZATION, payload, uniqueKey: current.fingerprint, maxAttempts: 1000 };
}

/** Handles the job. A private key that cannot be decrypted is skipped: nodes that need it report it. */
export function rewrapHandler(sealer: Sealer): JobHandler {
  return {
    queue: QUEUE,
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
