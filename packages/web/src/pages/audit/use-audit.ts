import type { DaisError } from '@dais/api';
import { listAuditOperation, listOrganizationAuditOperation, type AuditEntry } from '@dais/api/audit';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import type { AuditFilter } from './audit-filter.ts';
import { useClient } from '#server/console-context.ts';

/** Entries of one page. */
export const AUDIT_PAGE = 100;
/** Interval of the check for newer entries. */
const NEWER_MS = 10_000;

export interface Audit {
  /** Newest first; undefined while the first page loads. */
  readonly entries: readonly AuditEntry[] | undefined;
  readonly more: boolean;
  readonly loadMore: () => void;
  readonly loading: boolean;
  /** Newer entries exist but are hidden: a page of evidence does not move automatically. */
  readonly newer: boolean;
  readonly error: DaisError | null;
  readonly again: () => void;
}

/** A query in a project; undefined: in the organization and all its projects. */
export function useAudit(project: string | undefined, filter: AuditFilter): Audit {
  const client = useClient(project);
  const read = async (limit: number, cursor: string | undefined, signal: AbortSignal) => {
    // The server rejects an invalid outcome or time in the URL with a remedy.
    const { project: within, ...rest } = filter as AuditFilter & { readonly outcome?: AuditEntry['outcome'] };
    const page = { ...rest, limit, ...(cursor !== undefined && { cursor }) };
    return project === undefined
      ? await client.perform(
          listOrganizationAuditOperation,
          { ...page, ...(within !== undefined && { project: within }) },
          { signal },
        )
      : await client.perform(listAuditOperation, page, { signal });
  };
  const found = useInfiniteQuery({
    queryKey: ['audit', project, filter],
    queryFn: async ({ pageParam, signal }) => await read(AUDIT_PAGE, pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.nextCursor,
    staleTime: 60_000,
  });
  const entries = found.data?.pages.flatMap(({ items }) => items);
  const newest = useQuery({
    queryKey: ['audit', project, filter, 'newest'],
    queryFn: async ({ signal }) => (await read(1, undefined, signal)).items[0]?.seq ?? -1,
    enabled: entries !== undefined,
    refetchInterval: NEWER_MS,
    staleTime: NEWER_MS,
  });
  return {
    entries,
    more: found.hasNextPage,
    loadMore: () => void found.fetchNextPage(),
    loading: found.isFetching,
    newer: entries !== undefined && (newest.data ?? -1) > (entries[0]?.seq ?? -1),
    error: found.error as DaisError | null,
    again: () => void found.refetch(),
  };
}
