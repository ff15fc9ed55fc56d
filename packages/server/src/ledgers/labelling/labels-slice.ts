import type { Slice } from '#engines/database/contract.ts';
import { labelTables } from './migrations/0001-labelling.ts';

export const labelsSlice: Slice = { schema: 'labelling', migrations: [labelTables] };
