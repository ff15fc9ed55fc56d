import { scheduleKind } from '@dais/api/executions';
import type { KindDefinition } from '#kernel/kind.ts';
import { admitSchedule, authorizeScheduleSpec } from '#ledgers/executions/index.ts';

/** The desired state of a schedule. The runs that it started are in the executions ledger. */
export const schedule: KindDefinition = {
  spec: scheduleKind,
  authorizeSpec: authorizeScheduleSpec,
  admit: async (tx, change) => {
    await admitSchedule(tx, change);
    return {};
  },
};
