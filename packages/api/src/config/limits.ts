import { z } from 'zod';

/** `spec.limits` and `spec.retention` of the configuration: what may come at once, and how long what came is kept. */
export const limitsConfig = z.strictObject({
  bodyBytes: z
    .int()
    .min(1024)
    .max(1024 * 1024 * 1024)
    .default(16 * 1024 * 1024)
    .describe('Largest body of a request that is not an upload of content.'),
  headerSeconds: z.int().min(1).max(600).default(15).describe('Time for the headers of a request to arrive.'),
  bodySeconds: z.int().min(1).max(3600).default(60).describe('Time for a body below `bodyBytes` to arrive.'),
  streams: z.int().min(1).max(100_000).default(5000).describe('Most open watch streams of one process.'),
  streamBufferBytes: z
    .int()
    .min(16_384)
    .max(64 * 1024 * 1024)
    .default(65_536)
    .describe(
      'Bytes that may wait in memory for one slow reader of a stream; one that stays behind is cut and resumes.',
    ),
  heldConnections: z
    .int()
    .min(0)
    .max(65_536)
    .default(512)
    .describe('Most connections that wait while the control process restarts; more are answered with 503.'),
  drainSeconds: z.int().min(1).max(3600).default(25).describe('Time that running requests get to finish at a stop.'),
});

export const retentionConfig = z.strictObject({
  eventDays: z
    .int()
    .min(1)
    .max(36_500)
    .default(400)
    .describe('Days that events are kept for watch and `dais events`; they go by whole months.'),
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
    .describe('Days that traces are kept, with their spans and assessments; 0: until somebody deletes them.'),
  lineageDays: z
    .int()
    .min(1)
    .max(36_500)
    .default(400)
    .describe('Days that lineage is kept which other systems told; that of Dais’s own runs and models stays.'),
  predictionDays: z.int().min(1).max(36_500).default(90).describe('Days that what endpoints answered is kept.'),
  predictionBytes: z
    .int()
    .min(1024 * 1024)
    .default(100 * 1024 * 1024 * 1024)
    .describe('Bytes of the predictions of one project, beyond which the oldest go.'),
  deletedDays: z
    .int()
    .min(0)
    .max(36_500)
    .default(30)
    .describe(
      'Days that deleted runs, logged models and experiments can be restored; then they go for good, with their files. 0: until `dais gc`.',
    ),
  executionDays: z
    .int()
    .min(0)
    .max(36_500)
    .default(0)
    .describe('Days that runs of commands are kept with their files and logs; 0: until somebody deletes them.'),
  revisions: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(100)
    .describe('How many of the newest revisions of a resource are kept for history and rollback.'),
  jobDays: z.int().min(1).max(3650).default(14).describe('Days that ended jobs are kept.'),
  idempotencyHours: z
    .int()
    .min(1)
    .max(8760)
    .default(24)
    .describe('Hours that the answer to an Idempotency-Key is kept for a repetition.'),
  migrationBackups: z
    .int()
    .min(0)
    .max(100)
    .default(3)
    .describe('How many of the backups taken before migrations are kept in `backups` of the data folder.'),
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
});
