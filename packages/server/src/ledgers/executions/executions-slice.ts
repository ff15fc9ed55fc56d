import type { Slice } from '#engines/database/contract.ts';
import { executionTables } from './migrations/0001-executions.ts';
import { pipelineTables } from './migrations/0002-pipelines.ts';
import { trackedRuns } from './migrations/0003-tracked.ts';
import { computeQuotas } from './migrations/0004-compute-quotas.ts';
import { logRequests } from './migrations/0005-log-requests.ts';
import { targets } from './migrations/0006-targets.ts';

export const executionsSlice: Slice = {
  schema: 'executions',
  migrations: [executionTables, pipelineTables, trackedRuns, computeQuotas, logRequests, targets],
};
