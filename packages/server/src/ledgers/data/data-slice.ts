import type { Slice } from '#engines/database/contract.ts';
import { dataTables } from './migrations/0001-data.ts';

export const dataSlice: Slice = { schema: 'data', migrations: [dataTables] };
