import type { Slice } from '#engines/database/contract.ts';
import { lineageTables } from './migrations/0001-lineage.ts';

export const lineageSlice: Slice = { schema: 'lineage', migrations: [lineageTables] };
