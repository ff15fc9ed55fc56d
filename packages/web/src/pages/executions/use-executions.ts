/** The executions of a project, newest first, loaded while scrolling; visible ones follow changes. */
import type { DaisError } from '@dais/api';
import { listExecutionsOperation, readExecutionOperation, type Execution } from '@dais/api/executions';
import { keepPreviousData, useInfiniteQuery, useQueryClient, type InfiniteData } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { patchExecutions, type ExecutionFilter, type ExecutionsPage } from './loaded-executions.ts';
import { useClient } from '#server/console-context.ts';

/** Executions of one page. */
const PAGE = 200;
/** Polling interval of running executions: their start has no event. */
const POLL_MS = 2500;
/** Events within this time cause one read. */
const GATHER_MS = 300;
/** Executions further down are read in batches of this size. */
const AT_ONCE = 20;

type Data = InfiniteData<ExecutionsPage, string | undefined>;

export interface Executions {
  readonly runs: readonly Execution[] | undefined;
  readonly more: boolean;
  readonly loadMore: () => void;
  readonly loading: boolean;
  readonly error: DaisError | null;
  readonly again: () => void;
}

/** `inView`: the visible ones. */
export function useExecutions(
  project: string,
  filter: ExecutionFilter,
  inView: () => readonly Execution[],
): Executions {
  const client = useClient(project);
  const queries = useQueryClient();
  const { state, name } = filter;
  const key = ['executions', project, state, name];
  const found = useInfiniteQuery({
    queryKey: key,
    queryFn: async ({ pageParam, signal }): Promise<ExecutionsPage> =>
      await client.perform(
        listExecutionsOperation,
        { ...inputOf(filter), limit: PAGE, ...(pageParam && { cursor: pageParam }) },
        { signal },
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.nextCursor,
    placeholderData: keepPreviousData,
  });
  const latest = useRef({ key, filter, inView });
  useEffect(() => {
    latest.current = { key, filter, inView };
  });
  const keyText = JSON.stringify(key);
  useEffect(() => {
    const stop = new AbortController();
    const { signal } = stop;
    const gathered = new Set<string>();
    const gone = new Set<string>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const patch = (fresh: readonly Execution[]) =>
      queries.setQueryData<Data>(latest.current.key, (data) => {
        if (data === undefined) return data;
        const pages = patchExecutions(data.pages, fresh, latest.current.filter, gone);
        return pages.every((page, at) => page === data.pages[at]) ? data : { ...data, pages: [...pages] };
      });
    const get = async (ids: readonly string[]) => {
      const answers = await Promise.allSettled(
        ids.slice(0, AT_ONCE).map(async (id) => await client.perform(readExecutionOperation, { id }, { signal })),
      );
      return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
    };
    const first = async () => (await client.perform(listExecutionsOperation, { limit: PAGE }, { signal })).items;
    const refresh = async () => {
      if (document.hidden) return;
      const open = (run: Execution) => run.endedAt === undefined;
      const data = queries.getQueryData<Data>(latest.current.key);
      if (data?.pages[0]?.items.some(open) === true) patch(await first());
      const head = new Set(data?.pages[0]?.items.map(({ id }) => id));
      const below = latest.current.inView().filter((run) => open(run) && !head.has(run.id));
      if (below.length > 0) patch(await get(below.map(({ id }) => id)));
    };
    const readChanges = async () => {
      timer = undefined;
      const ids = [...gathered];
      gathered.clear();
      const fresh = await first();
      const seen = new Set(fresh.map(({ id }) => id));
      patch([...fresh, ...(await get(ids.filter((id) => !seen.has(id))))]);
    };
    const follow = async () => {
      for await (const event of client.watchEvents({ kind: 'Execution' }, { signal })) {
        const id = event.subject?.uid;
        if (id === undefined) continue;
        if (event.type === 'execution.deleted') gone.add(id);
        else gathered.add(id);
        timer ??= setTimeout(() => void readChanges().catch(ignore), GATHER_MS);
      }
    };
    // A viewer without access to events, or without a connection, still sees the loaded rows; the frame shows the
    // problem.
    follow().catch(ignore);
    const again = setInterval(() => void refresh().catch(ignore), POLL_MS);
    return () => {
      stop.abort();
      clearTimeout(timer);
      clearInterval(again);
    };
  }, [client, queries, keyText]);
  return {
    runs: found.data?.pages.flatMap(({ items }) => items),
    more: found.hasNextPage,
    loadMore: () => void found.fetchNextPage(),
    loading: found.isFetchingNextPage,
    error: found.error as DaisError | null,
    again: () => void found.refetch(),
  };
}

function inputOf({ state, name }: ExecutionFilter) {
  return { ...(state !== undefined && { state }), ...(name !== '' && { contains: name }) };
}

function ignore(): void {}
