/** One resource, updated by a watch. */
import { DaisError, type KindSpec, type Resource } from '@dais/api';
import { useQuery, useQueryClient, type QueryKey } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useClient, useConsole } from './console-context.ts';
import type { ListPosition } from './live-rows.ts';

export interface LiveResource {
  readonly resource: Resource | undefined;
  /** The resource was deleted while the page was open; `resource` is its last state. */
  readonly gone: boolean;
  readonly error: DaisError | undefined;
  readonly retry: () => void;
}

interface Seen {
  readonly resource: Resource;
  readonly gone: boolean;
  /** Unique for each read: every read restarts the watch. */
  readonly from: ListPosition;
}

function resourceKey(kind: KindSpec, project: string | undefined, name: string): QueryKey {
  return ['resource', kind.kind, kind.scope === 'org' ? undefined : project, name];
}

export function useLiveResource(kind: KindSpec, project: string, name: string): LiveResource {
  const client = useClient(kind.scope === 'org' ? undefined : project);
  const { connection } = useConsole();
  const queries = useQueryClient();
  const key = resourceKey(kind, project, name);
  const { data, error, refetch } = useQuery({
    queryKey: key,
    queryFn: async ({ signal }): Promise<Seen> => {
      // The position first: changes between the two reads arrive again by the watch.
      const { resourceVersion } = await client.listPage(kind.kind, { limit: 1 }, { signal });
      const resource = await client.get(kind.kind, name, { signal });
      return { resource, gone: false, from: { resourceVersion } };
    },
    structuralSharing: false,
  });
  const from = data?.from;
  useEffect(() => {
    if (from === undefined) return undefined;
    const stop = new AbortController();
    const follow = async () => {
      const settings = { ...from, signal: stop.signal, onReconnect: () => connection.lost() };
      for await (const event of client.watch(kind.kind, {}, settings)) {
        if (event.type === 'bookmark' || event.object.metadata.name !== name) continue;
        const { type, object } = event;
        queries.setQueryData<Seen>(key, { resource: object, gone: type === 'deleted', from });
      }
    };
    follow().catch((reason: unknown) => {
      if (stop.signal.aborted) return;
      if (reason instanceof DaisError && reason.code === 'server_unreachable') connection.lost();
      void queries.invalidateQueries({ queryKey: key });
    });
    return () => stop.abort();
    // `key` is derived from the listed values.
    // oxlint-disable-next-line react/exhaustive-deps -- see above
  }, [from, kind, project, name, queries, connection]);
  return {
    resource: data?.resource,
    gone: data?.gone === true,
    error: error === null ? undefined : (error as DaisError),
    retry: () => void refetch(),
  };
}
