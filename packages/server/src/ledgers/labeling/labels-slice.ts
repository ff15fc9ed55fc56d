import type { Slice } from '#engines/database/contract.ts';
import { labelTables } from './migrations/0001-labeling.ts';

export const labelsSlice: Slice = { schema: 'labeling', migrations: [labelTables] };
