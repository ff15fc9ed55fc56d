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
    dryRun: z.boolean().default(false).describe('Whether to only count eligible objects, including those on hold.'),
    olderThanHours: z
      .int()
      .min(1)
      .max(876_000)
      .optional()
      .describe('Minimum time since deletion. Default: `retention.deletedDays` of the configuration.'),
    cursor: z.string().max(4096).optional().describe('`nextCursor` of the previous call.'),
  }),
  output: z.strictObject({
    removed: z.strictObject({
      runs: z.int(),
      loggedModels: z.int(),
      experiments: z.int(),
      traces: z.int(),
      files: z
        .int()
        .describe('Number of artifacts. Bytes are deleted unless other objects share them. Not counted by `dryRun`.'),
    }),
    nextCursor: z.string().optional().describe('Cursor of the next call; absent at the end.'),
  }),
  target: () => ({ kind: 'Garbage' }),
  http: { method: 'POST', path: '/api/v1/tracking/garbage', status: 200 },
});

export const garbageOperations: readonly Operation[] = [collectGarbageOperation];
