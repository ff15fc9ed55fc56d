import { z } from 'zod';
import { defineOperation, type Operation } from '#operations/operation.ts';

export const collectGarbageOperation = defineOperation({
  name: 'garbage.collect',
  action: 'garbage:collect',
  mode: 'write',
  scope: 'project',
  summary:
    'Permanently removes runs, logged models and experiments after their retention period, with their files. Data of registered model versions is kept.',
  input: z.strictObject({
    dryRun: z.boolean().default(false).describe('Only count all that is old enough; what is held is counted too.'),
    olderThanHours: z
      .int()
      .min(1)
      .max(876_000)
      .optional()
      .describe('Since when it must be deleted. Default: `retention.deletedDays` of the configuration.'),
    cursor: z.string().max(4096).optional().describe('`nextCursor` of the call before.'),
  }),
  output: z.strictObject({
    removed: z.strictObject({
      runs: z.int(),
      loggedModels: z.int(),
      experiments: z.int(),
      traces: z.int(),
      files: z.int().describe('Artifacts; their bytes go when nothing else has the same. Not counted by `dryRun`.'),
    }),
    nextCursor: z.string().optional().describe('There may be more: call again with it.'),
  }),
  target: () => ({ kind: 'Garbage' }),
  http: { method: 'POST', path: '/api/v1/tracking/garbage', status: 200 },
});

export const garbageOperations: readonly Operation[] = [collectGarbageOperation];
