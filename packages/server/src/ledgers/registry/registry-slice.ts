import type { Slice } from '#engines/database/contract.ts';
import { registryTables } from './migrations/0001-registry.ts';

export const registrySlice: Slice = { schema: 'registry', migrations: [registryTables] };
