import type { Slice } from '#engines/database/contract.ts';
import { definitionTables } from './migrations/0001-definitions.ts';

export const definitionsSlice: Slice = { schema: 'definitions', migrations: [definitionTables] };
