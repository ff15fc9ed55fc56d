/** Queries of the home page in addition to resources: one page of each readable ledger. */
import type { DaisError } from '@dais/api';
import { listTokensOperation } from '@dais/api/access';
import { listExecutionsOperation, type Execution } from '@dais/api/executions';
import { listAllApprovalsOperation } from '@dais/api/registry';
import { findDatasetVersionsOperation, listAllFindingsOperation } from '@dais/api/data';
import { listAllMonitorAlertsOperation } from '@dais/api/monitoring';
import { listBlockedVersionsOperation, listModelJobsOperation, type ModelJob } from '@dais/api/serving';
import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import {
  alertNeeds,
  approvalNeeds,
  blockedNeeds,
  executionNeeds,
  findingNeeds,
  jobNeeds,
  tokenNeeds,
  versionNeeds,
  waiverNeeds,
  type Need,
} from './needs.ts';
import { alertsKey, approvalsKey, homeKey } from './use-fresh-counts.ts';
import { waitsFor } from '#pages/models/approval-words.ts';
import { useOnlooker } from '#pages/models/use-onlooker.ts';
import { useClient } from '#server/console-context.ts';
import { useMay } from '#server/own-access.ts';
import { useSession } from '#server/session.ts';
import { useNow } from '#ui/clock.tsx';

/** The newest of each ledger: older pending ones are on their own page. */
const NEWEST = 100;
/** The start of a run has no event; viewers without access to events depend on polling. */
const POLL_MS = 15_000;

export interface Attention {
  readonly needs: readonly Need[];
  readonly executions: readonly Execution[];
  readonly jobs: readonly ModelJob[];
  readonly loading: boolean;
  readonly error: DaisError | undefined;
  readonly again: () => void;
}

export function useAttention(project: string): Attention {
  const client = useClient(project);
  const may = useMay(project);
  const who = useOnlooker(project);
  const accounts = useSession()?.mode === 'accounts';
  const now = useNow();
  const read = <T>(
    part: string,
    enabled: boolean,
    ask: (signal: AbortSignal) => Promise<T>,
    key: readonly string[] = homeKey(project),
  ) => ({
    queryKey: [...key, part],
    queryFn: async ({ signal }: { readonly signal: AbortSignal }) => await ask(signal),
    enabled,
    refetchInterval: POLL_MS,
  });
  const alerts = useQuery(
    read(
      'alerts',
      may('monitor:read') === true,
      async (signal) =>
        await client.perform(listAllMonitorAlertsOperation, { state: 'open', limit: NEWEST }, { signal }),
      alertsKey(project),
    ),
  );
  const approvals = useQuery(
    read(
      'approvals',
      may('model:read') === true,
      async (signal) =>
        await client.perform(listAllApprovalsOperation, { state: 'pending', limit: NEWEST }, { signal }),
      approvalsKey(project),
    ),
  );
  const executions = useQuery(
    read(
      'executions',
      may('execution:read') === true,
      async (signal) => await client.perform(listExecutionsOperation, { limit: NEWEST }, { signal }),
    ),
  );
  const jobs = useQuery(
    read(
      'jobs',
      may('model:read') === true,
      async (signal) => await client.perform(listModelJobsOperation, { limit: NEWEST }, { signal }),
    ),
  );
  const blocked = useQuery(
    read(
      'blocked versions',
      may('model:read') === true,
      async (signal) => await client.perform(listBlockedVersionsOperation, { limit: NEWEST }, { signal }),
    ),
  );
  const versions = useQuery(
    read(
      'versions',
      may('dataset:read') === true,
      async (signal) => await client.perform(findDatasetVersionsOperation, { limit: NEWEST }, { signal }),
    ),
  );
  const findings = useQuery(
    read(
      'findings',
      may('dataset:read') === true,
      async (signal) => await client.perform(listAllFindingsOperation, { state: 'open', limit: NEWEST }, { signal }),
    ),
  );
  const waivers = useQuery(
    read(
      'waivers',
      may('dataset:read') === true,
      async (signal) => await client.perform(listAllFindingsOperation, { state: 'waived', limit: NEWEST }, { signal }),
    ),
  );
  const tokens = useQuery(
    read('tokens', accounts, async (signal) => await client.perform(listTokensOperation, {}, { signal })),
  );
  const all: readonly UseQueryResult[] = [
    alerts,
    approvals,
    executions,
    jobs,
    blocked,
    versions,
    findings,
    waivers,
    tokens,
  ];
  const failed = all.find(({ error }) => error !== null);
  return {
    needs: [
      ...alertNeeds(project, alerts.data?.items ?? []),
      ...approvalNeeds(project, approvals.data?.items ?? [], (one) => who !== undefined && waitsFor(one, who)),
      ...executionNeeds(project, executions.data?.items ?? []),
      ...jobNeeds(project, jobs.data?.items ?? []),
      ...blockedNeeds(project, blocked.data?.items ?? []),
      ...versionNeeds(project, versions.data?.items ?? []),
      ...findingNeeds(project, findings.data?.items ?? [], findings.data?.nextCursor !== undefined),
      ...waiverNeeds(project, waivers.data?.items ?? [], now),
      ...tokenNeeds(tokens.data?.items ?? [], now),
    ],
    executions: executions.data?.items ?? [],
    jobs: jobs.data?.items ?? [],
    loading: all.some(({ isLoading }) => isLoading),
    error: (failed?.error ?? undefined) as DaisError | undefined,
    again: () => void failed?.refetch(),
  };
}
