import type { Slice } from '#engines/database/contract.ts';
import { trackingTables } from './migrations/0001-tracking.ts';
import { importTables } from './migrations/0002-imports.ts';
import { traceTables } from './migrations/0003-traces.ts';
import { evaluationTables } from './migrations/0004-evaluation.ts';
import { transferTables } from './migrations/0005-transfers.ts';
import { expectedState } from './migrations/0006-expected.ts';
import { runMessageTables } from './migrations/0007-run-messages.ts';

export const trackingSlice: Slice = {
  schema: 'tracking',
  migrations: [
    trackingTables,
    importTables,
    traceTables,
    evaluationTables,
    transferTables,
    expectedState,
    runMessageTables,
  ],
};
