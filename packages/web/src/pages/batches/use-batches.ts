/** Queries of job pages: refreshed by events of the models, and by polling while a job runs. */
import type { DaisError } from '@dais/api';
import { listModelJobsOperation, readModelJobOperation, type ModelJob } from '@dais/api/serving';
import { useInfiniteQuery, useQuery, type UseQueryResult } from '@tanstack/react-query';
import { hasEnded } from './batch-words.ts';
import type { BatchesQuery } from '#addresses.ts';
import { useClient } from '#server/console-context.ts';
import { useNews } from '#server/use-news.ts';

const PAGE = 50;
/** Jobs emit no progress events. */
const POLL_MS = 1500;

export function useJobs(project: string, { model, dataset, kind, state }: BatchesQuery) {
  const client = useClient(project);
  const key = ['model jobs', project];
  const ready = useNews(project, { kind: 'Model' }, key);
  const found = useInfiniteQuery({
    queryKey: [...key, 'list', model, dataset, kind, state],
    queryFn: async ({ pageParam, signal }) =>
      await client.perform(
        listModelJobsOperation,
        {
          limit: PAGE,
          ...(model !== undefined && { model }),
          ...(dataset !== undefined && { dataset }),
          ...(kind !== undefined && { kind: kind as ModelJob['kind'] }),
          ...(state !== undefined && { state: state as ModelJob['state'] }),
          ...(pageParam !== undefined && { cursor: pageParam }),
        },
        { signal },
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.nextCursor,
    enabled: ready,
    refetchInterval: (query) =>
      query.state.data?.pages.some(({ items }) => items.some((job) => !hasEnded(job))) === true ? POLL_MS : false,
  });
  const jobs: readonly ModelJob[] | undefined = found.data?.pages.flatMap(({ items }) => items);
  return { ...found, jobs, error: found.error as DaisError | null };
}

export function useJob(
  project: string,
  id: string,
): UseQueryResult<ModelJob, DaisError> & { readonly key: readonly string[] } {
  const client = useClient(project);
  const key = ['model jobs', project, id];
  const ready = useNews(project, { kind: 'Model' }, key);
  const found = useQuery<ModelJob, DaisError>({
    queryKey: key,
    queryFn: async ({ signal }) => await client.perform(readModelJobOperation, { id }, { signal }),
    enabled: ready,
    refetchInterval: ({ state }) => (state.data === undefined || hasEnded(state.data) ? false : POLL_MS),
  });
  return { ...found, key };
}
