import { monitorKind, type MonitorSummary } from '@dais/api/monitoring';
import { DaisError } from '@dais/api';
import type { Clock } from '#lib/clock.ts';
import { kindActions } from '#kernel/entry.ts';
import type { KindDefinition } from '#kernel/kind.ts';
import { readResource } from '#kernel/store.ts';
import { enqueueAlert } from '#kinds/alert-channel/index.ts';
import { admitMonitor, enqueueMonitor, monitoringSlice, readSummaries } from '#ledgers/monitoring/index.ts';
import { planMonitor } from './monitor-plan.ts';

/** The desired state of a monitor. Its findings are in the monitoring ledger. */
export function monitor(clock: Clock): KindDefinition {
  return {
    spec: monitorKind,
    slice: monitoringSlice,
    admit: async (tx, change) => {
      await admitMonitor(tx, change, { clock, notify: enqueueAlert });
      return {};
    },
    actions: kindActions(monitorKind, {
      run: async (tx, { input, tenant }) => {
        const resource = await readResource(tx.sql, tenant.id, monitorKind.kind, input.name);
        if (resource === undefined) throw new DaisError('not_found', `There is no monitor ${input.name}.`);
        return { job: enqueueMonitor(tx, tenant.id, resource.uid) };
      },
    }),
    controller: {
      observe: async (resource, io): Promise<MonitorSummary | undefined> =>
        await io.read(async (tx) => (await readSummaries(tx, { name: resource.metadata.name, limit: 1 }))[0]),
      plan: ({ observed }) => planMonitor(observed as MonitorSummary | undefined),
      perform: async () => {},
    },
  };
}
