import type { Slice } from '#engines/database/contract.ts';
import { usageTables } from './migrations/0001-usage.ts';

export const usageSlice: Slice = { schema: 'usage', migrations: [usageTables] };
