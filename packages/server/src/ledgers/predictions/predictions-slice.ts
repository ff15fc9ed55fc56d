import type { Slice } from '#engines/database/contract.ts';
import { predictionTables } from './migrations/0001-predictions.ts';
import { missingNodes } from './migrations/0002-missing-nodes.ts';

export const predictionsSlice: Slice = { schema: 'predictions', migrations: [predictionTables, missingNodes] };
