import type { Slice } from '#engines/database/contract.ts';
import { servingTables } from './migrations/0001-serving.ts';
import { usageTables } from './migrations/0002-usage.ts';

export const servingSlice: Slice = { schema: 'serving', migrations: [servingTables, usageTables] };
