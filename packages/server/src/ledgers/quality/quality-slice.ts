import type { Slice } from '#engines/database/contract.ts';
import { qualityTables } from './migrations/0001-quality.ts';

export const qualitySlice: Slice = { schema: 'quality', migrations: [qualityTables] };
