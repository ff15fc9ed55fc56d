import { z } from 'zod';

/** `spec.query` of the configuration: resources of this machine for queries over datasets. */
export const queryConfig = z.strictObject({
  memoryMb: z
    .int()
    .min(256)
    .max(2 ** 20)
    .optional()
    .describe(
      'Memory of the processes that run queries. What needs more spills to disk. Default: a quarter of the machine’s, at least 1024 and at most 16384.',
    ),
  threads: z.int().min(1).max(256).optional().describe('Cores that one query uses. Default: those of the machine.'),
  callerSeconds: z
    .int()
    .min(1)
    .max(3600)
    .default(60)
    .describe(
      'Time limit in seconds of a query that a user or program sends (`dais data sql`, `dais predictions query`). Each caller can run 2 queries concurrently; 16 more wait. Jobs of the platform have one hour.',
    ),
  tempMb: z
    .int()
    .min(256)
    .max(2 ** 30)
    .default(65_536)
    .describe('Disk limit of one query for data that exceeds its memory, in `query` of the data folder.'),
});
