/** Queries of the data pages. Versions and findings have no watch of their own: their events trigger a refresh. */
import { datasetKind, type DaisError, type Resource } from '@dais/api';
import {
  findDatasetVersionsOperation,
  headDatasetVersionOperation,
  listDatasetVersionsOperation,
  listFindingsOperation,
  listIngestsOperation,
  listMasksOperation,
  readDatasetVersionOperation,
  readQualityReportOperation,
  type ColumnMask,
  type DataFinding,
  type DatasetVersion,
  type Ingest,
  type QualityReport,
} from '@dais/api/data';
import { useInfiniteQuery, useQuery, type UseQueryResult } from '@tanstack/react-query';
import type { z } from 'zod';
import { useClient } from '#server/console-context.ts';
import { useNews } from '#server/use-news.ts';

/** Maximum number of items of one page of the server. */
const PAGE = 1000;
/** Versions per request: more than fit on a screen; each includes its first files. */
const VERSIONS = 50;
/** Versions of all datasets that the catalog reads for column names, in pages. */
const NEWEST = 100;
const NEWEST_PAGES = 5;
/** Progress of a new version has no events. */
const LIVE_MS = 1000;
/** Checks and profiles in progress. */
const CHECKS_MS = 2000;

/** The scope of a page. One watch of events serves all its queries: a browser has six connections to a server. */
export interface DataScope {
  readonly project: string;
  /** All queries that events refresh. */
  readonly key: readonly string[];
  /** All further events are received. */
  readonly ready: boolean;
}

export interface DatasetScope extends DataScope {
  readonly name: string;
}

/** The key of all queries for data of a project, and of mutations. */
export function dataKey(project: string, ...name: readonly string[]): string[] {
  return ['data', project, ...name];
}

/** All datasets of a project. */
export function useDataScope(project: string): DataScope {
  const key = dataKey(project);
  return { project, key, ready: useNews(project, { kind: datasetKind.kind }, key) };
}

export function useDatasetScope(project: string, name: string): DatasetScope {
  const key = dataKey(project, name);
  return { project, name, key, ready: useNews(project, { kind: datasetKind.kind, name }, key) };
}

/** The newest version of each dataset, within the newest few hundred versions of all. */
export function useNewestVersions({ project, key, ready }: DataScope): ReadonlyMap<string, DatasetVersion> | undefined {
  const client = useClient(project);
  return useQuery<ReadonlyMap<string, DatasetVersion>, DaisError>({
    queryKey: [...key, 'newest'],
    queryFn: async ({ signal }) => {
      const newest = new Map<string, DatasetVersion>();
      let cursor: string | undefined;
      for (let page = 0; page < NEWEST_PAGES; page++) {
        const input = { limit: NEWEST, ...(cursor !== undefined && { cursor }) };
        // oxlint-disable-next-line no-await-in-loop -- each page names the next
        const answer = await client.perform(findDatasetVersionsOperation, input, { signal });
        for (const version of answer.items) {
          if (version.state !== 'deleted' && !newest.has(version.dataset)) newest.set(version.dataset, version);
        }
        cursor = answer.nextCursor;
        if (cursor === undefined) break;
      }
      return newest;
    },
    enabled: ready,
    refetchInterval: ({ state: { data } }) =>
      data !== undefined && [...data.values()].some(({ state }) => state === 'building') ? CHECKS_MS : false,
  }).data;
}

export function useDatasetResource({ project, name, key, ready }: DatasetScope): UseQueryResult<Resource, DaisError> {
  const client = useClient(project);
  return useQuery<Resource, DaisError>({
    queryKey: [...key, 'resource'],
    queryFn: async ({ signal }) => (await client.get(datasetKind.kind, name, { signal })) as Resource,
    enabled: ready,
  });
}

export interface DatasetVersions {
  /** Newest first; undefined while the first page loads. */
  readonly versions: readonly DatasetVersion[] | undefined;
  readonly more: boolean;
  readonly loadMore: () => void;
  readonly loading: boolean;
  readonly error: DaisError | null;
  readonly again: () => void;
}

export function useDatasetVersions({ project, name, key, ready }: DatasetScope): DatasetVersions {
  const client = useClient(project);
  const found = useInfiniteQuery({
    queryKey: [...key, 'versions'],
    queryFn: async ({ pageParam, signal }) => {
      const input = { name, limit: VERSIONS, ...(pageParam !== undefined && { cursor: pageParam }) };
      return await client.perform(listDatasetVersionsOperation, input, { signal });
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.nextCursor,
    enabled: ready,
    refetchInterval: ({ state: { data } }) =>
      data?.pages.some(({ items }) => items.some(({ state }) => state === 'building')) === true ? CHECKS_MS : false,
  });
  return {
    versions: found.data?.pages.flatMap(({ items }) => items),
    more: found.hasNextPage,
    loadMore: () => void found.fetchNextPage(),
    loading: found.isFetching,
    error: found.error as DaisError | null,
    again: () => void found.refetch(),
  };
}

/** `version`: a number, `latest`, a date or a tag. */
export function useDatasetVersion(
  { project, name, key, ready }: DatasetScope,
  version: string,
): UseQueryResult<DatasetVersion, DaisError> {
  const client = useClient(project);
  return useQuery<DatasetVersion, DaisError>({
    queryKey: [...key, 'version', version],
    queryFn: async ({ signal }) => await client.perform(readDatasetVersionOperation, { name, version }, { signal }),
    enabled: ready,
    refetchInterval: ({ state: { data } }) => (data?.state === 'building' ? CHECKS_MS : false),
  });
}

/** Information about the rows of a version: its newest check, its profile and the previous version's profile. */
export function useQualityReport(
  { project, name, key, ready }: DatasetScope,
  version: string | undefined,
): UseQueryResult<QualityReport, DaisError> {
  const client = useClient(project);
  return useQuery<QualityReport, DaisError>({
    queryKey: [...key, 'report', version],
    queryFn: async ({ signal }) =>
      await client.perform(readQualityReportOperation, { name, version: version ?? '' }, { signal }),
    enabled: ready && version !== undefined,
    refetchInterval: ({ state: { data } }) =>
      data !== undefined && data.profile === undefined && data.version.state !== 'deleted' ? CHECKS_MS : false,
  });
}

export type DataRows = z.output<(typeof headDatasetVersionOperation)['output']>;

export function useRows(
  { project, name, key }: DatasetScope,
  version: string,
  limit: number,
): UseQueryResult<DataRows, DaisError> {
  const client = useClient(project);
  return useQuery<DataRows, DaisError>({
    queryKey: [...key, 'rows', version, limit],
    queryFn: async ({ signal }) =>
      await client.perform(headDatasetVersionOperation, { name, version, limit }, { signal }),
  });
}

/** Findings in one dataset, newest first: the latest thousand. */
export function useFindings({ project, name, key, ready }: DatasetScope): UseQueryResult<DataFinding[], DaisError> {
  const client = useClient(project);
  return useQuery<DataFinding[], DaisError>({
    queryKey: [...key, 'findings'],
    queryFn: async ({ signal }) =>
      (await client.perform(listFindingsOperation, { name, limit: PAGE }, { signal })).items,
    enabled: ready,
  });
}

/** Columns that are masked for viewers without the permission to unmask. */
export function useMasks({ project, name, key, ready }: DatasetScope): readonly ColumnMask[] {
  const client = useClient(project);
  return (
    useQuery<ColumnMask[], DaisError>({
      queryKey: [...key, 'masks'],
      queryFn: async ({ signal }) => (await client.perform(listMasksOperation, { name }, { signal })).items,
      enabled: ready,
    }).data ?? []
  );
}

/** Ingests of versions, including failed ones: the newest hundred. */
export function useIngests({ project, name, key, ready }: DatasetScope): UseQueryResult<Ingest[], DaisError> {
  const client = useClient(project);
  return useQuery<Ingest[], DaisError>({
    queryKey: [...key, 'ingests'],
    queryFn: async ({ signal }) => (await client.perform(listIngestsOperation, { name }, { signal })).items,
    enabled: ready,
    refetchInterval: ({ state: { data } }) =>
      data?.some(({ endedAt, state }) => endedAt === undefined && state !== 'open') === true ? LIVE_MS : false,
  });
}
