import type { Slice } from '#engines/database/contract.ts';
import { labelTables } from './migrations/0001-labels.ts';

export const labelsSlice: Slice = { schema: 'labels', migrations: [labelTables] };
