/** Creates the profile of a version after its creation. */
import { DaisError } from '@dais/api';
import { type DatasetVersion } from '@dais/api/data';
import { JobFailed, type JobHandler } from '#kernel/job-runner.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';
import { makeProfile } from './profile/make-profile.ts';
import { writeProfile } from './profile-rows.ts';
import type { QualityDependencies } from './quality-dependencies.ts';

const PROFILE_QUEUE = 'dataset-profile';

/** Returns the id of the job, or of one that already waits or runs. */
export function enqueueProfile(tx: Transaction, { id }: Pick<DatasetVersion, 'id'>, now: number): string {
  const job = uuidv7(now);
  // Lower priority than checks, which block users.
  const order = { priority: -1, maxAttempts: 5, uniqueKey: id };
  tx.enqueue({ id: job, queue: PROFILE_QUEUE, projectId: tx.projectId, payload: { version: id }, ...order });
  return job;
}

export function profileHandler({ now, query, versions }: QualityDependencies): JobHandler {
  return {
    queue: PROFILE_QUEUE,
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 2000, capMs: 120_000 },
    async run({ payload, projectId }, io) {
      const version = await io.read(async (tx) => await versions.read(tx, String(payload['version']))).catch(deleted);
      if (version === undefined || version.state === 'deleted' || version.mode === 'reference') return { made: false };
      const engine = await query();
      const { id, rows, schema, keys } = version;
      try {
        const profile = await versions.withTable(version, async (data) => {
          const request = { version: id, rows, columns: schema.columns, keys, data, owner: projectId };
          const progress = (progressed: unknown) => io.progress({ version: id, ...(progressed as object) });
          return await makeProfile(engine, request, { now, signal: io.signal, progress });
        });
        await io.write(async (tx) => {
          // The version can have been deleted in the meantime.
          if ((await versions.read(tx, id)).state !== 'deleted') await writeProfile(tx, profile);
        });
        return { made: true, seconds: profile.seconds };
      } catch (error) {
        if (error instanceof DaisError && !error.retryable) throw new JobFailed(error.message);
        throw error;
      }
    },
  };
}

/** A deleted version needs no profile. */
function deleted(error: unknown): undefined {
  if (error instanceof DaisError && error.code === 'not_found') return undefined;
  throw error;
}
