/** The ledger of usage: attempts at steps, loaded models, stored bytes and queries, each recorded once. */
import {
  exportOrganizationUsageOperation,
  exportUsageOperation,
  listOrganizationUsageOperation,
  listOwnUsageOperation,
  listUsageOperation,
  organizationUsageSeriesOperation,
  sumOrganizationUsageOperation,
  sumOwnUsageOperation,
  sumUsageOperation,
  usageSeriesOperation,
} from '@dais/api/usage';
import { downloadEntry, entry, type Call } from '#kernel/entry.ts';
import type { LedgerDefinition } from '#ledgers/ledger.ts';
import { projectTeam } from './project-team.ts';
import { personOf } from './record-usage.ts';
import { ReplicaMeter, type ReplicaMeterDependencies } from './replicas/replica-meter.ts';
import { exportUsage, type ExportDependencies } from './usage-export.ts';
import { usageQuery, type UsageFilter, type UsageQuery, type UsageScope } from './usage-filter.ts';
import { storedBytes, usageRetention, type StorageDependencies } from './usage-jobs.ts';
import { listUsage } from './usage-lists.ts';
import { usageSlice } from './usage-slice.ts';
import { sumUsage, usageSeries } from './usage-sums.ts';

export { meterQuery } from './meter-query.ts';
export { readRecentSteps } from './recent-steps.ts';
export type { ReadRecentSteps, RecentSteps } from './recent-steps.ts';
export { recordUsage } from './record-usage.ts';
export type { NewUsage, RecordUsage } from './record-usage.ts';

export interface UsageDependencies extends ReplicaMeterDependencies, ExportDependencies, StorageDependencies {
  /** Days that records are kept. */
  readonly days: number;
}

const ofProject = ({ tenant }: Call): UsageScope => ({ projectId: tenant.id });
const ofAll = (): UsageScope => 'all';
const ofCaller = ({ context: { principal } }: Call): UsageScope => ({
  person: personOf(principal),
  within: principal.project,
});

/** Splits the input of an operation into the filter of records and the rest. */
function queryOf(
  scopeOf: (call: Call) => UsageScope,
  call: Call<UsageFilter & Readonly<Record<string, unknown>>>,
  now: () => number,
): UsageQuery {
  const { from, until, type, person, resource, team, project } = call.input;
  const filter = { from, until, type, person, resource, team, project };
  return usageQuery(scopeOf(call), filter, now());
}

export const ledger: LedgerDefinition<UsageDependencies> = {
  name: 'usage',
  slice: usageSlice,
  project: projectTeam,
  open: (dependencies) => {
    const now = () => dependencies.clock.now();
    const meter = new ReplicaMeter(dependencies);
    return {
      jobs: [storedBytes(dependencies), usageRetention(dependencies.days)],
      // Any node with background work ends the intervals of nodes that are gone.
      start: async ({ controller, gateway }) => {
        if (controller || gateway) await meter.start();
      },
      stop: async () => await meter.stop(),
      entries: [
        entry(listUsageOperation, async (tx, call) => await listUsage(tx, queryOf(ofProject, call, now), call.input)),
        entry(sumUsageOperation, async (tx, call) => await sumUsage(tx, queryOf(ofProject, call, now), call.input)),
        entry(
          usageSeriesOperation,
          async (tx, call) => await usageSeries(tx, queryOf(ofProject, call, now), call.input),
        ),
        downloadEntry(exportUsageOperation, {
          perform: async (call) => {
            const query = queryOf(ofProject, call, now);
            return await exportUsage(dependencies, { query, format: call.input.format }, call);
          },
        }),
        downloadEntry(exportOrganizationUsageOperation, {
          perform: async (call) => {
            const query = queryOf(ofAll, call, now);
            return await exportUsage(dependencies, { query, format: call.input.format }, call);
          },
        }),
        entry(
          listOrganizationUsageOperation,
          async (tx, call) => await listUsage(tx, queryOf(ofAll, call, now), call.input),
        ),
        entry(
          sumOrganizationUsageOperation,
          async (tx, call) => await sumUsage(tx, queryOf(ofAll, call, now), call.input),
        ),
        entry(
          organizationUsageSeriesOperation,
          async (tx, call) => await usageSeries(tx, queryOf(ofAll, call, now), call.input),
        ),
        entry(listOwnUsageOperation, async (tx, call) => await listUsage(tx, queryOf(ofCaller, call, now), call.input)),
        entry(sumOwnUsageOperation, async (tx, call) => await sumUsage(tx, queryOf(ofCaller, call, now), call.input)),
      ],
    };
  },
};
