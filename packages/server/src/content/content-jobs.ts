/** Background jobs of content: garbage collection every hour, and an inventory of the store every week. */
import type { BlobStore } from '#engines/blobs/contract.ts';
import type { Database } from '#engines/database/contract.ts';
import { Collector, COLLECTOR_DEFAULTS, type CollectorDependencies } from './content-collector.ts';
import { CONTENT_DEFAULTS } from '#kernel/content/content.ts';
import { readCursor } from '#kernel/events.ts';
import { JobFailed, type JobHandler, type JobIo } from '#kernel/job-runner.ts';
import type { TimedQueue } from '#kernel/jobs.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import { markDamaged } from './content-damage.ts';
import { takeInventory } from './content-inventory.ts';

export interface ContentJobDependencies {
  readonly database: Database;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Log;
  /** Replaces defaults. */
  readonly collector?: Partial<CollectorDependencies>;
}

const HOUR_MS = 3_600_000;
const WEEK_MS = 7 * 24 * HOUR_MS;

export function contentJobs({
  database,
  blobs,
  clock,
  log,
  collector: more,
}: ContentJobDependencies): readonly JobHandler[] {
  const { claimMs } = CONTENT_DEFAULTS;
  const collector = new Collector({ database, blobs, clock, claimMs, ...COLLECTOR_DEFAULTS, ...more });
  const handler = (
    queue: string,
    every: NonNullable<TimedQueue['every']>,
    work: (signal: AbortSignal) => Promise<unknown>,
  ): JobHandler => ({
    queue,
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 10_000, capMs: HOUR_MS },
    every,
    async run(_job, io) {
      await requireOwnStore(blobs, io, log);
      const report = await work(io.signal);
      // What was not done is done by the next process, not an hour later.
      io.signal.throwIfAborted();
      return report;
    },
  });
  return [
    handler('content collection', { firstMs: 120_000, againMs: HOUR_MS }, (signal) => collector.collect(signal)),
    handler('content inventory', { firstMs: WEEK_MS, againMs: WEEK_MS }, async (signal) => {
      const report = await takeInventory(database, blobs, signal);
      if (report.missing.length > 0) {
        const locators = report.missing.slice(0, 10);
        log.error('stored objects are missing', { missing: report.missing.length, locators });
        for (const locator of report.missing) await markDamaged(database, { locator, kind: 'missing' });
      }
      return report;
    }),
  ];
}

/**
 * What this database does not know may be another one's content: a copy of the database that was given the same store
 * deletes nothing there. @throws JobFailed
 */
async function requireOwnStore(blobs: BlobStore, io: JobIo, log: Log): Promise<void> {
  const { epoch } = await io.read(async ({ sql }) => await readCursor(sql));
  const owner = await blobs.claimFor(epoch);
  if (owner.id === epoch) return;
  const detail =
    `The content belongs to another database (${owner.id}), so nothing was deleted. ` +
    `If that database no longer exists, remove ${owner.place}.`;
  log.error(detail);
  throw new JobFailed(detail);
}
