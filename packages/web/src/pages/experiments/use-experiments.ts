/** The experiments of a project with their activity. */
import type { DaisError } from '@dais/api';
import { experimentActivityOperation, searchExperimentsOperation, type Experiment } from '@dais/api/tracking';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useClient } from '#server/console-context.ts';

/** Experiments of one page; the server also limits activity queries to this number. */
const PAGE = 1000;
/** Polling interval: counting costs time in proportion to the runs. */
const POLL_MS = 10_000;

export type Activity = (typeof experimentActivityOperation)['output']['_output']['items'][number];

export interface ExperimentRow {
  readonly experiment: Experiment;
  /** Undefined: there are no runs, or they are not counted yet. */
  readonly activity: Activity | undefined;
}

export interface Experiments {
  readonly rows: readonly ExperimentRow[] | undefined;
  readonly more: boolean;
  readonly loadMore: () => void;
  readonly loading: boolean;
  readonly error: DaisError | null;
  readonly again: () => void;
}

export const experimentsKey = (project: string) => ['experiments', project];

export function useExperiments(project: string, view: 'active' | 'deleted'): Experiments {
  const client = useClient(project);
  const found = useInfiniteQuery({
    queryKey: [...experimentsKey(project), view],
    queryFn: async ({ pageParam, signal }) => {
      const page = { view, limit: PAGE, ...(pageParam !== undefined && { cursor: pageParam }) };
      const { items, nextCursor } = await client.perform(searchExperimentsOperation, page, { signal });
      const activity = await client.perform(
        experimentActivityOperation,
        { ids: items.map(({ id }) => id) },
        { signal },
      );
      return { items, activity: activity.items, nextCursor };
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.nextCursor,
    refetchInterval: POLL_MS,
  });
  const pages = found.data?.pages;
  const rows = useMemo(
    () =>
      pages?.flatMap(({ items, activity }) => {
        const of = new Map(activity.map((one) => [one.id, one]));
        return items.map((experiment) => ({ experiment, activity: of.get(experiment.id) }));
      }),
    [pages],
  );
  return {
    rows,
    more: found.hasNextPage,
    loadMore: () => void found.fetchNextPage(),
    loading: found.isFetchingNextPage,
    error: found.error as DaisError | null,
    again: () => void found.refetch(),
  };
}

/** Names of the first thousand experiments by number, for runs of several experiments. */
export function useExperimentNames(project: string): ReadonlyMap<string, string> | undefined {
  const client = useClient(project);
  const { data } = useQuery({
    queryKey: [...experimentsKey(project), 'names'],
    queryFn: async ({ signal }) => await client.perform(searchExperimentsOperation, { limit: PAGE }, { signal }),
    staleTime: 30_000,
  });
  return useMemo(() => data && new Map(data.items.map(({ id, name }) => [id, name])), [data]);
}
