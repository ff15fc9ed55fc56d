import type { Slice } from '#engines/database/contract.ts';
import { monitoringTables } from './migrations/0001-monitoring.ts';
import { monitoringEstimates } from './migrations/0002-estimates.ts';
import { monitoringAttributions } from './migrations/0003-attributions.ts';

export const monitoringSlice: Slice = {
  schema: 'monitoring',
  migrations: [monitoringTables, monitoringEstimates, monitoringAttributions],
};
