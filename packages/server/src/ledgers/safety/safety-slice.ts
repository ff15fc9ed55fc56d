import type { Slice } from '#engines/database/contract.ts';
import { safetyTables } from './migrations/0001-safety.ts';
import { blockedVersionIndexes } from './migrations/0002-blocked-versions.ts';

export const safetySlice: Slice = { schema: 'safety', migrations: [safetyTables, blockedVersionIndexes] };
