import type { Slice } from '#engines/database/contract.ts';
import { modelJobTables } from './migrations/0001-model-jobs.ts';

export const modelJobsSlice: Slice = { schema: 'model_jobs', migrations: [modelJobTables] };
