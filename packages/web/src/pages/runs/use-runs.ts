/** The runs of experiments, loaded page by page while scrolling. use-live-runs.ts refreshes the running ones. */
import type { DaisClient, DaisError } from '@dais/api';
import { searchRunsOperation, type Run } from '@dais/api/tracking';
import {
  keepPreviousData,
  useInfiniteQuery,
  useQueryClient,
  type InfiniteData,
  type QueryKey,
} from '@tanstack/react-query';
import { useMemo } from 'react';
import type { RunsPage, RunsPosition } from './loaded-runs.ts';
import type { RunQuery } from './run-query.ts';
import { useClient } from '#server/console-context.ts';

/** Runs of the first page, which delays the view, and of each other page: about 1 MB with 40 values a run. */
const FIRST = 100;
const FURTHER = 400;
const FIRST_POSITION: RunsPosition = { at: 0, cursor: undefined };
/** Fifty thousand runs are 100 MB: they are released soon after the page closes. */
const KEPT_MS = 60_000;

export type RunsData = InfiniteData<RunsPage, RunsPosition>;

export interface Runs {
  readonly key: QueryKey;
  readonly runs: readonly Run[] | undefined;
  /** The shown runs are of the previous query. */
  readonly stale: boolean;
  readonly more: boolean;
  readonly loadMore: () => void;
  readonly loading: boolean;
  readonly error: DaisError | null;
  readonly again: () => void;
}

export interface RunsOf {
  readonly project: string;
  /** Numbers of experiments; undefined: not known yet. */
  readonly experiments: readonly string[] | undefined;
  readonly query: RunQuery;
  /** Each run includes the number of its children. */
  readonly nested?: boolean;
}

export function useRuns({ project, experiments, query, nested = false }: RunsOf): Runs {
  const client = useClient(project);
  const queries = useQueryClient();
  const key = ['runs', project, experiments, query, nested];
  const found = useInfiniteQuery({
    queryKey: key,
    queryFn: async ({ pageParam, signal }) =>
      await readPage(client, { experiments: experiments ?? [], query, nested, place: pageParam }, signal),
    initialPageParam: FIRST_POSITION,
    getNextPageParam: (last) => last.next,
    enabled: experiments !== undefined,
    // Reading all pages again to find new runs would cost time in proportion to all runs.
    staleTime: Infinity,
    gcTime: KEPT_MS,
    structuralSharing: false,
    placeholderData: keepPreviousData,
  });
  const pages = found.data?.pages;
  const runs = useMemo(() => pages?.flatMap(({ items }) => items), [pages]);
  return {
    key,
    runs,
    stale: found.isPlaceholderData,
    more: found.hasNextPage,
    loadMore: () => void found.fetchNextPage({ cancelRefetch: false }),
    loading: found.isFetching,
    error: found.error as DaisError | null,
    // From the first page on: reading all loaded pages again would take as long as scrolling did.
    again: () => void queries.resetQueries({ queryKey: key, exact: true }),
  };
}

interface PageRequest {
  readonly experiments: readonly string[];
  readonly query: RunQuery;
  readonly nested: boolean;
  readonly place: RunsPosition;
}

/** The server cannot sort by experiment: grouped by it, experiments are read one after the other. */
async function readPage(
  client: DaisClient,
  { experiments, query, nested, place: { at, cursor } }: PageRequest,
  signal: AbortSignal,
): Promise<RunsPage> {
  const { group, ...rest } = query;
  const apart = group === 'experiment';
  const page = await client.perform(
    searchRunsOperation,
    {
      ...rest,
      orderBy: [...rest.orderBy],
      experimentIds: apart ? experiments.slice(at, at + 1) : [...experiments],
      limit: cursor === undefined ? FIRST : FURTHER,
      ...(cursor !== undefined && { cursor }),
      ...(nested && { countChildren: true }),
    },
    { signal },
  );
  if (page.nextCursor !== undefined) return { items: page.items, next: { at, cursor: page.nextCursor } };
  const further = apart && at + 1 < experiments.length;
  return { items: page.items, next: further ? { at: at + 1, cursor: undefined } : undefined };
}
