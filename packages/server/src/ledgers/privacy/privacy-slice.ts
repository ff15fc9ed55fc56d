import type { Slice } from '#engines/database/contract.ts';
import { privacyTables } from './migrations/0001-privacy.ts';

export const privacySlice: Slice = { schema: 'privacy', migrations: [privacyTables] };
