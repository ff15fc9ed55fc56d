/** A list that loads page by page and then follows its watch. */
import { DaisError, type DaisClient, type KindSpec, type Resource, type WatchEvent } from '@dais/api';
import { useQuery, useQueryClient, type QueryClient, type QueryKey } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useClient, useConsole } from './console-context.ts';
import { patchRows, type LiveRows } from './live-rows.ts';

/** Maximum number of items of one page of the server. */
const PAGE = 1000;

/** Events within this time are applied together: a burst of a hundred costs one paint. */
const GATHER_MS = 50;

export interface LiveList {
  readonly rows: readonly Resource[] | undefined;
  readonly complete: boolean;
  readonly error: DaisError | undefined;
  readonly retry: () => void;
}

function listKey(kind: KindSpec, project: string | undefined, labels: string): QueryKey {
  return ['list', kind.kind, kind.scope === 'org' ? undefined : project, labels];
}

/** `project` is ignored for kinds of the organization. */
export function useLiveList(kind: KindSpec, project: string | undefined, labels: string): LiveList {
  const client = useClient(kind.scope === 'org' ? undefined : project);
  const { connection } = useConsole();
  const queries = useQueryClient();
  const key = listKey(kind, project, labels);
  const { data, error, refetch } = useQuery({
    queryKey: key,
    queryFn: ({ signal }) => loadRows({ client, kind, labels, queries, key, signal }),
    // Rows are already compared by their version; a deep comparison of ten thousand takes longer than rendering them.
    structuralSharing: false,
  });
  const from = data?.complete === true ? data.from : undefined;
  useEffect(() => {
    if (from === undefined) return undefined;
    const stop = new AbortController();
    let gathered: WatchEvent<Resource>[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const show = () => {
      timer = undefined;
      const events = gathered;
      gathered = [];
      queries.setQueryData<LiveRows>(key, (rows) => rows && patchRows(rows, events));
    };
    const follow = async () => {
      const settings = { ...from, signal: stop.signal, onReconnect: () => connection.lost() };
      for await (const event of client.watch(kind.kind, labels === '' ? {} : { labels }, settings)) {
        gathered.push(event);
        timer ??= setTimeout(show, GATHER_MS);
      }
    };
    follow().catch((reason: unknown) => {
      if (stop.signal.aborted) return;
      // The position has expired, or the viewer has lost access: reading the list again shows which.
      if (reason instanceof DaisError && reason.code === 'server_unreachable') connection.lost();
      void queries.invalidateQueries({ queryKey: key });
    });
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
    // `key` is derived from the listed values.
    // oxlint-disable-next-line react/exhaustive-deps -- see above
  }, [from, kind, project, labels, queries, connection]);
  return {
    rows: data?.rows,
    complete: data?.complete === true,
    error: error === null ? undefined : (error as DaisError),
    retry: () => void refetch(),
  };
}

interface LoadDependencies {
  readonly client: DaisClient;
  readonly kind: KindSpec;
  readonly labels: string;
  readonly queries: QueryClient;
  readonly key: QueryKey;
  readonly signal: AbortSignal;
}

/** Reads all pages; the first rows are visible while the others load, unless an older list is shown meanwhile. */
async function loadRows({ client, kind, labels, queries, key, signal }: LoadDependencies): Promise<LiveRows> {
  const first = queries.getQueryData<LiveRows>(key) === undefined;
  const rows: Resource[] = [];
  let from: LiveRows['from'] | undefined;
  let cursor: string | undefined;
  do {
    const query = { limit: PAGE, ...(labels !== '' && { labels }), ...(cursor !== undefined && { cursor }) };
    // oxlint-disable-next-line no-await-in-loop -- each page names the next
    const page = await client.listPage(kind.kind, query, { signal });
    rows.push(...(page.items as readonly Resource[]));
    from ??= { resourceVersion: page.resourceVersion };
    cursor = page.nextCursor;
    if (first && cursor !== undefined) {
      queries.setQueryData<LiveRows>(key, { rows: [...rows], complete: false, from });
    }
  } while (cursor !== undefined);
  return { rows, complete: true, from };
}
