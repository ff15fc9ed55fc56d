/** Stored content: the store that every reader uses, its background work and its operations; see compose.ts. */
import type { ConfigSpec } from '@dais/api';
import type { BlobStore, VerifiedBlobs } from '#engines/blobs/contract.ts';
import { readContentHealth, type ContentHealth } from '#content/content-scrub-pass.ts';
import type { OperationEntry } from '#kernel/entry.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import { transact } from '#kernel/transaction.ts';
import { contentOwners } from './ledgers.ts';
import { graceMs } from '#content/content-grace.ts';
import { contentEntries } from '#content/content-entries.ts';
import { contentJobs } from '#content/content-jobs.ts';
import { scrubJob } from '#content/content-scrub.ts';
import { verificationBy, type ContentVerificationDependencies } from '#content/content-verification.ts';

/** Reads an exported database to its end and checks every byte of it. @throws DaisError `backup_invalid`. */
export async function verifyArchive(source: AsyncIterable<Uint8Array>) {
  return await (await import('#engines/database/archive/import-database.ts')).verifyArchive(source);
}

export interface StoredContent {
  readonly blobs: VerifiedBlobs;
  readonly jobs: readonly JobHandler[];
  readonly entries: readonly OperationEntry[];
  /** For metrics. @throws DaisError `database_unavailable`. */
  readonly health: () => Promise<ContentHealth>;
}

export async function loadContent(
  dependencies: ContentVerificationDependencies & {
    readonly store: BlobStore;
    readonly config: ConfigSpec['content'];
    /** The recovery window of the database in days: content must exist as long as a database that references it. */
    readonly recoveryDays: number;
  },
): Promise<StoredContent> {
  const { database, clock, log, config } = dependencies;
  const scrub = { everyDays: config.scrubDays, bytesPerSecond: config.scrubBytesPerSecond };
  const collector = { graceMs: graceMs(config.unreferencedDays, dependencies.recoveryDays) };
  const { verifiedBlobs } = await import('#engines/blobs/verified.ts');
  const blobs = verifiedBlobs(dependencies.store, verificationBy(dependencies));
  return {
    blobs,
    jobs: [...contentJobs({ database, blobs, clock, log, collector }), scrubJob({ database, blobs, clock, ...scrub })],
    entries: contentEntries({ ledgers: await contentOwners(), ...scrub }),
    health: async () =>
      await transact(database, { mode: 'read', projectId: 'all' }, async ({ sql }) => await readContentHealth(sql)),
  };
}
