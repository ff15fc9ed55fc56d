/** Comments that name the reader, newest first. */
import type { DaisError } from '@dais/api';
import { listMentionsOperation, readMentionsOperation, type Mention } from '@dais/api/tracking';
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useClient } from '#server/console-context.ts';
import { useMay } from '#server/own-access.ts';
import { useSession } from '#server/session.ts';

const PAGE = 50;
/** Polling interval of the frame for mentions. */
const POLL_MS = 60_000;

const mentionsKey = (project: string) => ['mentions', project];

/** Number of unread ones, up to the server's limit; undefined for a viewer without an inbox. */
export function useUnread(project: string): number | undefined {
  const client = useClient(project);
  const may = useMay(project);
  const accounts = useSession()?.mode === 'accounts';
  const { data } = useQuery({
    queryKey: [...mentionsKey(project), 'unread'],
    queryFn: async ({ signal }) => await client.perform(listMentionsOperation, { limit: 1, unread: true }, { signal }),
    enabled: accounts && (may('run:read') === true || may('model:read') === true),
    refetchInterval: POLL_MS,
    refetchOnWindowFocus: true,
  });
  return data?.unread;
}

export interface Mentions {
  readonly mentions: readonly Mention[] | undefined;
  readonly unread: number;
  readonly more: boolean;
  readonly loadMore: () => void;
  readonly loading: boolean;
  readonly error: DaisError | null;
  readonly again: () => void;
  readonly markRead: () => void;
  readonly marking: boolean;
}

/** `unread`: only comments that are not marked as read. */
export function useMentions(project: string, unread: boolean): Mentions {
  const client = useClient(project);
  const queries = useQueryClient();
  const found = useInfiniteQuery({
    queryKey: [...mentionsKey(project), 'list', unread],
    queryFn: async ({ pageParam, signal }) => {
      const input = { limit: PAGE, ...(unread && { unread }), ...(pageParam !== undefined && { cursor: pageParam }) };
      return await client.perform(listMentionsOperation, input, { signal });
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.nextCursor,
    refetchInterval: POLL_MS,
  });
  const pages = found.data?.pages;
  const mentions = pages?.flatMap(({ items }) => items);
  const newest = mentions?.[0]?.comment.id;
  const mark = useMutation<unknown, DaisError>({
    // Newer comments are still unread.
    mutationFn: async () => await client.perform(readMentionsOperation, newest === undefined ? {} : { upTo: newest }),
    onSuccess: async () => await queries.invalidateQueries({ queryKey: mentionsKey(project) }),
  });
  return {
    mentions,
    unread: pages?.[0]?.unread ?? 0,
    more: found.hasNextPage,
    loadMore: () => void found.fetchNextPage(),
    loading: found.isFetchingNextPage,
    error: (found.error as DaisError | null) ?? mark.error,
    again: () => void found.refetch(),
    markRead: () => mark.mutate(),
    marking: mark.isPending,
  };
}
