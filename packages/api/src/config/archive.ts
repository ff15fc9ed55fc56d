import { z } from 'zod';
import { path } from './values.ts';

/**
 * `spec.database.archive`: the write-ahead log and base backups of the embedded database, for point-in-time recovery.
 * `bucket`: that variant of a blob store.
 */
export const databaseArchiveConfig = <Bucket extends z.ZodObject<{ type: z.ZodLiteral<'s3'> }>>(bucket: Bucket) =>
  z.strictObject({
    store: z
      .discriminatedUnion('type', [
        z.strictObject({
          type: z.literal('fs').describe('Folder on this machine.'),
          folder: path.describe('The folder. Use another disk than that of the data folder.'),
        }),
        bucket,
      ])
      .describe('Where the archive is stored. Its objects have other names than content, so a bucket can be shared.'),
    everySeconds: z
      .int()
      .min(5)
      .max(3600)
      .default(60)
      .describe(
        'Seconds between two uploads of new changes: what a lost machine loses at most while the archive works.',
      ),
    days: z
      .int()
      .min(1)
      .max(365)
      .default(7)
      .describe('Days back to which `dais admin recover` can recover. Deleted content is kept one day longer.'),
    baseHours: z
      .int()
      .min(1)
      .max(720)
      .default(24)
      .describe('Hours between two copies of the whole database. A recovery replays all changes since the last copy.'),
    pendingMb: z
      .int()
      .min(64)
      .max(1_048_576)
      .default(1024)
      .describe(
        'Maximum disk space in MiB of changes that wait for an unavailable archive. Beyond it, Dais discards them, continues, and copies the whole database once the archive is available.',
      ),
  });
