import { z } from 'zod';

/** `spec.limits` and `spec.retention` of the configuration: limits of requests, and retention of stored data. */
export const limitsConfig = z.strictObject({
  bodyBytes: z
    .int()
    .min(1024)
    .max(1024 * 1024 * 1024)
    .default(16 * 1024 * 1024)
    .describe('Maximum body size of a request that is not a content upload.'),
  headerSeconds: z.int().min(1).max(600).default(15).describe('Timeout for receiving the headers of a request.'),
  bodySeconds: z.int().min(1).max(3600).default(60).describe('Timeout for receiving a body below `bodyBytes`.'),
  streams: z.int().min(1).max(100_000).default(5000).describe('Maximum open watch streams of one process.'),
  streamBufferBytes: z
    .int()
    .min(16_384)
    .max(64 * 1024 * 1024)
    .default(65_536)
    .describe('Maximum buffered bytes for one slow stream reader. A reader beyond it is disconnected and can resume.'),
  heldConnections: z
    .int()
    .min(0)
    .max(65_536)
    .default(512)
    .describe('Maximum connections that wait while the control process restarts. Further ones get 503.'),
  drainNoticeSeconds: z
    .int()
    .min(0)
    .max(600)
    .default(0)
    .describe(
      'Time at shutdown in which the server still accepts connections, reports not ready, and ends each connection after its next response, so that load balancers and clients use other servers. Then the grace period starts.',
    ),
  drainSeconds: z.int().min(1).max(3600).default(25).describe('Grace period for running requests at shutdown.'),
});

export const retentionConfig = z.strictObject({
  eventDays: z
    .int()
    .min(1)
    .max(36_500)
    .default(400)
    .describe('Days that events are kept for watch and `dais events`. They are deleted by whole months.'),
  auditDays: z
    .int()
    .min(1)
    .max(36_500)
    .default(400)
    .describe('Days that entries of the audit log stay in the database; then they move to archives in the blob store.'),
  traceDays: z
    .int()
    .min(0)
    .max(36_500)
    .default(0)
    .describe('Days that traces are kept, with spans and assessments. 0: until they are deleted.'),
  lineageDays: z
    .int()
    .min(1)
    .max(36_500)
    .default(400)
    .describe('Days that lineage from other systems is kept. Lineage of own runs and models stays.'),
  predictionDays: z.int().min(1).max(36_500).default(90).describe('Days that predictions are kept.'),
  predictionBytes: z
    .int()
    .min(1024 * 1024)
    .default(100 * 1024 * 1024 * 1024)
    .describe('Maximum bytes of predictions of one project. Beyond it, the oldest are deleted.'),
  deletedDays: z
    .int()
    .min(0)
    .max(36_500)
    .default(30)
    .describe(
      'Days that deleted runs, logged models and experiments can be restored. Afterwards they are permanently deleted with their files. 0: until `dais gc`.',
    ),
  executionDays: z
    .int()
    .min(0)
    .max(36_500)
    .default(0)
    .describe('Days that jobs are kept with files and logs. 0: until they are deleted.'),
  usageDays: z.int().min(1).max(36_500).default(400).describe('Days that usage records are kept.'),
  revisions: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(100)
    .describe('Number of revisions of a resource that are kept for history and rollback.'),
  jobDays: z.int().min(1).max(3650).default(14).describe('Days that finished jobs are kept.'),
  idempotencyHours: z
    .int()
    .min(1)
    .max(8760)
    .default(24)
    .describe('Hours that the response to an Idempotency-Key is kept.'),
  migrationBackups: z
    .int()
    .min(0)
    .max(100)
    .default(3)
    .describe('Number of pre-migration backups that are kept in `backups` of the data folder.'),
});

export const contentConfig = z.strictObject({
  scrubDays: z
    .int()
    .min(0)
    .max(3650)
    .default(30)
    .describe('Days from the start of one check of all stored content to the next; 0: only with `dais admin scrub`.'),
  scrubBytesPerSecond: z
    .int()
    .min(64 * 1024)
    .max(10 * 1024 * 1024 * 1024)
    .default(20 * 1024 * 1024)
    .describe('Bytes of stored content that this check reads per second at most.'),
  unreferencedDays: z
    .int()
    .min(1)
    .max(3650)
    .default(1)
    .describe(
      'Days that content is kept after the last reference to it was removed. Set it above the recovery window of an external database; `database.archive` raises it to its own.',
    ),
});
