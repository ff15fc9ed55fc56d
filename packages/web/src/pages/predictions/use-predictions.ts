/** Queries of prediction pages. Each query writes pending predictions to files, so there is no polling. */
import type { DaisError } from '@dais/api';
import { readPredictionId } from '@dais/api/gateway';
import {
  queryPredictionsOperation,
  readPredictionOperation,
  type Prediction,
  type PredictionRows,
} from '@dais/api/serving';
import { useInfiniteQuery, useQuery, type UseQueryResult } from '@tanstack/react-query';
import { readRows, type PredictionRow } from './prediction-rows.ts';
import { pageSql, summarySql, type PredictionFilter, type PredictionPositionBefore } from './prediction-sql.ts';
import type { TimeSpan } from './time-span.ts';
import { useClient } from '#server/console-context.ts';

const PAGE = 100;

export interface PredictionsOf {
  readonly project: string;
  /** Undefined: not known yet; the query is disabled. */
  readonly endpoint: string | undefined;
  readonly span: TimeSpan;
}

export interface Predictions {
  /** Newest first; undefined while the first page loads. */
  readonly rows: readonly PredictionRow[] | undefined;
  readonly columns: PredictionRows['columns'];
  readonly masked: readonly string[];
  readonly more: boolean;
  readonly loadMore: () => void;
  readonly loading: boolean;
  readonly error: DaisError | null;
  readonly again: () => void;
}

export function usePredictions({ project, endpoint, span }: PredictionsOf, filter: PredictionFilter): Predictions {
  const client = useClient(project);
  const found = useInfiniteQuery({
    queryKey: ['predictions', project, endpoint, span, filter],
    queryFn: async ({ pageParam, signal }) => {
      const input = { endpoint: endpoint ?? '', sql: pageSql(filter, pageParam, PAGE), limit: PAGE, ...span };
      const answer = await client.perform(
        queryPredictionsOperation,
        // Rows older than the last one are only in older files.
        pageParam === undefined ? input : { ...input, until: endOf(pageParam, span) },
        { signal },
      );
      return { answer, rows: readRows(answer) };
    },
    initialPageParam: undefined as PredictionPositionBefore | undefined,
    getNextPageParam: ({ rows }) => {
      const last = rows.at(-1);
      return rows.length < PAGE || last === undefined ? undefined : { id: last.id, row: last.row };
    },
    enabled: endpoint !== undefined,
    retry: false,
  });
  const pages = found.data?.pages;
  return {
    rows: pages?.flatMap(({ rows }) => rows),
    columns: pages?.at(-1)?.answer.columns ?? [],
    masked: pages?.at(-1)?.answer.masked ?? [],
    more: found.hasNextPage,
    loadMore: () => void found.fetchNextPage(),
    loading: found.isFetching,
    error: found.error as DaisError | null,
    again: () => void found.refetch(),
  };
}

function endOf({ id }: PredictionPositionBefore, { until }: TimeSpan): number {
  const at = readPredictionId(id)?.at ?? Number.MAX_SAFE_INTEGER - 1;
  return Math.min(at + 1, until ?? Number.MAX_SAFE_INTEGER);
}

export function usePredictionSummary(
  of: PredictionsOf,
  filter: PredictionFilter,
): UseQueryResult<PredictionRows, DaisError> {
  return usePredictionQuery(of, summarySql(filter), 100);
}

/** Undefined SQL: the query is disabled. */
export function usePredictionQuery(
  { project, endpoint, span }: PredictionsOf,
  sql: string | undefined,
  limit: number,
): UseQueryResult<PredictionRows, DaisError> {
  const client = useClient(project);
  return useQuery<PredictionRows, DaisError>({
    queryKey: ['predictions', project, endpoint, span, sql, limit],
    queryFn: async ({ signal }) =>
      await client.perform(
        queryPredictionsOperation,
        { endpoint: endpoint ?? '', sql: sql ?? '', limit, ...span },
        { signal },
      ),
    enabled: endpoint !== undefined && sql !== undefined,
    retry: false,
    staleTime: Infinity,
  });
}

export function usePrediction(project: string, endpoint: string, id: string): UseQueryResult<Prediction, DaisError> {
  const client = useClient(project);
  return useQuery<Prediction, DaisError>({
    queryKey: ['prediction', project, endpoint, id],
    queryFn: async ({ signal }) => await client.perform(readPredictionOperation, { endpoint, id }, { signal }),
    retry: false,
    staleTime: 30_000,
  });
}
