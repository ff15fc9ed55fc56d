/** Child runs of the expanded runs in the table. */
import { searchRunsOperation, type Run } from '@dais/api/tracking';
import { useQueries } from '@tanstack/react-query';
import { useMemo } from 'react';
import { childrenFilter, type Children } from './run-tree.ts';
import type { RunsOf } from './use-runs.ts';
import { useClient } from '#server/console-context.ts';

/** Maximum number of shown children of one run; a filter finds more. */
const SHOWN = 200;
/** Polling intervals: while a child is running, and otherwise. */
const POLL_MS = 2500;
const SELDOM_MS = 10_000;

interface ChildPage {
  readonly items: readonly Run[];
  readonly nextCursor?: string | undefined;
}

/** By the parent run, in the order of the table. */
export function useChildren(
  { project, experiments = [], query }: RunsOf,
  opened: ReadonlySet<string>,
): ReadonlyMap<string, Children> {
  const client = useClient(project);
  const { orderBy, view } = query;
  const found = useQueries({
    queries: [...opened].map((run) => ({
      queryKey: ['runs-below', project, experiments, run, orderBy, view],
      queryFn: async ({ signal }: { readonly signal: AbortSignal }): Promise<ChildPage> =>
        await client.perform(
          searchRunsOperation,
          {
            experimentIds: [...experiments],
            filter: childrenFilter(run),
            orderBy: [...orderBy],
            view,
            limit: SHOWN,
            countChildren: true,
          },
          { signal },
        ),
      refetchInterval: ({ state }: { readonly state: { readonly data: ChildPage | undefined } }) =>
        state.data?.items.some(({ status }) => status === 'RUNNING') === true ? POLL_MS : SELDOM_MS,
    })),
    combine: combined,
  });
  return useMemo(() => new Map([...opened].map((run, at) => [run, found[at] ?? NOTHING])), [opened, found]);
}

const NOTHING: Children = { runs: undefined, failed: false, more: false };

function combined(
  results: readonly { readonly data: ChildPage | undefined; readonly isError: boolean }[],
): readonly Children[] {
  return results.map(({ data, isError }) => ({
    runs: data?.items,
    failed: isError && data === undefined,
    more: data?.nextCursor !== undefined,
  }));
}
