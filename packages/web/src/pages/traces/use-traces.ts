import type { DaisError } from '@dais/api';
import {
  listSpansOperation,
  readTraceOperation,
  searchTracesOperation,
  type Span,
  type Trace,
} from '@dais/api/tracking';
import { keepPreviousData, useInfiniteQuery, useQuery, type UseQueryResult } from '@tanstack/react-query';
import { useClient } from '#server/console-context.ts';

/** Traces of one page. */
const PAGE = 100;
/** Maximum number of read spans of one trace: more do not fit into the chart. */
const MOST_SPANS = 10_000;
/** Traces emit no events: a trace in progress is polled. */
const LIVE_MS = 5000;

export interface TraceQuery {
  readonly filter: string;
  readonly orderBy: readonly string[];
}

export interface Traces {
  readonly traces: readonly Trace[] | undefined;
  readonly more: boolean;
  readonly loadMore: () => void;
  readonly loading: boolean;
  readonly error: DaisError | null;
  readonly again: () => void;
}

/** `experiments`: undefined while they are unknown. */
export function useTraces(project: string, experiments: readonly string[] | undefined, query: TraceQuery): Traces {
  const client = useClient(project);
  const found = useInfiniteQuery({
    queryKey: ['traces', project, experiments, query],
    queryFn: async ({ pageParam, signal }) => {
      const { filter, orderBy } = query;
      const input = {
        experimentIds: [...(experiments ?? [])],
        ...(filter !== '' && { filter }),
        orderBy: [...orderBy],
        limit: PAGE,
        ...(pageParam !== undefined && { cursor: pageParam }),
      };
      return await client.perform(searchTracesOperation, input, { signal });
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.nextCursor,
    enabled: experiments !== undefined,
    placeholderData: keepPreviousData,
    // One page is read quickly; several would all be read again.
    refetchInterval: ({ state }) => (state.data?.pages.length === 1 ? LIVE_MS : false),
  });
  return {
    traces: found.data?.pages.flatMap(({ items }) => items),
    more: found.hasNextPage,
    loadMore: () => void found.fetchNextPage(),
    loading: found.isFetchingNextPage,
    error: found.error as DaisError | null,
    again: () => void found.refetch(),
  };
}

const underWay = (trace: Trace | undefined) => trace?.state === 'IN_PROGRESS';

export function traceKey(project: string, id: string): readonly string[] {
  return ['trace', project, id];
}

export function useTrace(project: string, id: string): UseQueryResult<Trace, DaisError> {
  const client = useClient(project);
  return useQuery<Trace, DaisError>({
    queryKey: [...traceKey(project, id), 'trace'],
    queryFn: async ({ signal }) => await client.perform(readTraceOperation, { id }, { signal }),
    refetchInterval: ({ state }) => (underWay(state.data) ? LIVE_MS : false),
  });
}

export function useSpans(project: string, trace: Trace | undefined): UseQueryResult<readonly Span[], DaisError> {
  const client = useClient(project);
  const id = trace?.id ?? '';
  return useQuery<readonly Span[], DaisError>({
    // Later traces change the count.
    queryKey: [...traceKey(project, id), 'spans', trace?.spans],
    queryFn: async ({ signal }) => {
      const all: Span[] = [];
      let cursor: string | undefined;
      do {
        const input = { id, limit: 1000, ...(cursor !== undefined && { cursor }) };
        // oxlint-disable-next-line no-await-in-loop -- each page names the next
        const page = await client.perform(listSpansOperation, input, { signal });
        all.push(...page.items);
        cursor = page.nextCursor;
      } while (cursor !== undefined && all.length < MOST_SPANS);
      return all;
    },
    enabled: trace !== undefined,
    placeholderData: (before) => before,
  });
}
