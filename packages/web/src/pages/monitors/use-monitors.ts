/** Queries of monitor pages, refreshed by events. */
import type { DaisError, Resource } from '@dais/api';
import {
  listAllMonitorAlertsOperation,
  listMonitorAlertsOperation,
  listMonitorDecisionsOperation,
  listMonitorSummariesOperation,
  monitorKind,
  readMonitorHistoryOperation,
  readMonitorReportOperation,
  readMonitorSummaryOperation,
  type MonitorAlert,
  type MonitorDecision,
  type MonitorHistory,
  type MonitorReport,
  type MonitorSummary,
} from '@dais/api/monitoring';
import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { useClient } from '#server/console-context.ts';
import { useNews } from '#server/use-news.ts';

const PAGE = 1000;
/** Maximum number of windows in the heat map: more do not fit on a page. */
const WINDOWS = 60;

export interface MonitorsScope {
  readonly project: string;
  /** All queries that events refresh. */
  readonly key: readonly string[];
  /** All further events are received. */
  readonly ready: boolean;
}

export interface MonitorScope extends MonitorsScope {
  readonly name: string;
}

export function monitorsKey(project: string): string[] {
  return ['monitors', project];
}

export function useMonitorsScope(project: string): MonitorsScope {
  const key = monitorsKey(project);
  return { project, key, ready: useNews(project, { kind: 'Monitor' }, key) };
}

export function useMonitorScope(project: string, name: string): MonitorScope {
  const key = [...monitorsKey(project), name];
  return { project, name, key, ready: useNews(project, { kind: 'Monitor', name }, key) };
}

export function useSummaries({ project, key, ready }: MonitorsScope): UseQueryResult<MonitorSummary[], DaisError> {
  const client = useClient(project);
  return useQuery<MonitorSummary[], DaisError>({
    queryKey: [...key, 'summaries'],
    queryFn: async ({ signal }) => {
      const all: MonitorSummary[] = [];
      let cursor: string | undefined;
      do {
        const input = { limit: PAGE, ...(cursor !== undefined && { cursor }) };
        // oxlint-disable-next-line no-await-in-loop -- each page names the next
        const page = await client.perform(listMonitorSummariesOperation, input, { signal });
        all.push(...page.items);
        cursor = page.nextCursor;
      } while (cursor !== undefined);
      return all;
    },
    enabled: ready,
  });
}

/** Unresolved alerts of all monitors, newest first: as many as fit into one page. */
export function useOpenAlerts({ project, key, ready }: MonitorsScope): UseQueryResult<MonitorAlert[], DaisError> {
  const client = useClient(project);
  return useQuery<MonitorAlert[], DaisError>({
    queryKey: [...key, 'open alerts'],
    queryFn: async ({ signal }) =>
      (await client.perform(listAllMonitorAlertsOperation, { state: 'open', limit: PAGE }, { signal })).items,
    enabled: ready,
  });
}

export function useMonitor({ project, name, key, ready }: MonitorScope): UseQueryResult<Resource, DaisError> {
  const client = useClient(project);
  return useQuery<Resource, DaisError>({
    queryKey: [...key, 'resource'],
    queryFn: async ({ signal }) => (await client.get(monitorKind.kind, name, { signal })) as Resource,
    enabled: ready,
  });
}

export function useSummary({ project, name, key, ready }: MonitorScope): UseQueryResult<MonitorSummary, DaisError> {
  const client = useClient(project);
  return useQuery<MonitorSummary, DaisError>({
    queryKey: [...key, 'summary'],
    queryFn: async ({ signal }) => await client.perform(readMonitorSummaryOperation, { monitor: name }, { signal }),
    enabled: ready,
  });
}

export function useHistory({ project, name, key, ready }: MonitorScope): UseQueryResult<MonitorHistory, DaisError> {
  const client = useClient(project);
  return useQuery<MonitorHistory, DaisError>({
    queryKey: [...key, 'history'],
    queryFn: async ({ signal }) =>
      await client.perform(readMonitorHistoryOperation, { monitor: name, windows: WINDOWS }, { signal }),
    enabled: ready,
  });
}

/** `window`: its number, or `latest`; undefined: the query is disabled. */
export function useReport(
  { project, name, key, ready }: MonitorScope,
  window: string | undefined,
): UseQueryResult<MonitorReport, DaisError> {
  const client = useClient(project);
  return useQuery<MonitorReport, DaisError>({
    queryKey: [...key, 'report', window],
    queryFn: async ({ signal }) =>
      await client.perform(readMonitorReportOperation, { monitor: name, window: window ?? 'latest' }, { signal }),
    enabled: ready && window !== undefined,
    retry: false,
  });
}

export function useAlerts({ project, name, key, ready }: MonitorScope): UseQueryResult<MonitorAlert[], DaisError> {
  const client = useClient(project);
  return useQuery<MonitorAlert[], DaisError>({
    queryKey: [...key, 'alerts'],
    queryFn: async ({ signal }) =>
      (await client.perform(listMonitorAlertsOperation, { monitor: name, limit: 200 }, { signal })).items,
    enabled: ready,
  });
}

export function useDecisions({
  project,
  name,
  key,
  ready,
}: MonitorScope): UseQueryResult<MonitorDecision[], DaisError> {
  const client = useClient(project);
  return useQuery<MonitorDecision[], DaisError>({
    queryKey: [...key, 'decisions'],
    queryFn: async ({ signal }) =>
      (await client.perform(listMonitorDecisionsOperation, { monitor: name, limit: 200 }, { signal })).items,
    enabled: ready,
  });
}
