import { scheduleKind } from '@dais/api';
import type { KindDefinition } from '#kernel/kind.ts';
import { admitSchedule, authorizeScheduleSpec } from '#ledgers/executions/index.ts';

/** What a person wants to start by itself. What it started is in the ledger of executions. */
export const schedule: KindDefinition = {
  spec: scheduleKind,
  authorizeSpec: authorizeScheduleSpec,
  admit: async (tx, change) => {
    await admitSchedule(tx, change);
    return {};
  },
};
