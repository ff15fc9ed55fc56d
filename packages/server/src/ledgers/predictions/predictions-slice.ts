import type { Slice } from '#engines/database/contract.ts';
import { predictionTables } from './migrations/0001-predictions.ts';

export const predictionsSlice: Slice = { schema: 'predictions', migrations: [predictionTables] };
