import type { Slice } from '#engines/database/contract.ts';
import { featureTables } from './migrations/0001-features.ts';

export const featuresSlice: Slice = { schema: 'features', migrations: [featureTables] };
