import type { Slice } from '#engines/database/contract.ts';
import { monitoringTables } from './migrations/0001-monitoring.ts';
import { monitoringEstimates } from './migrations/0002-estimates.ts';

export const monitoringSlice: Slice = { schema: 'monitoring', migrations: [monitoringTables, monitoringEstimates] };
