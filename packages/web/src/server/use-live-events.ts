/** Events, newest first, with new ones added on top. */
import { DaisError, type Event, type EventQuery } from '@dais/api';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useClient, useConsole } from './console-context.ts';
import type { ListPosition } from './live-rows.ts';

/** Number of past events that are read. */
const PAST = 100;
/** Maximum number of kept events: a page that stays open all day must not grow without limit. */
const KEPT = 500;

export interface LiveEvents {
  readonly events: readonly Event[] | undefined;
  /** There are older ones. */
  readonly more: boolean;
  readonly error: DaisError | undefined;
  readonly retry: () => void;
}

interface Seen {
  readonly events: readonly Event[];
  readonly more: boolean;
  /** Unique for each read: every read restarts the watch. */
  readonly from: ListPosition;
}

/** `project`: undefined for kinds of the organization. */
export function useLiveEvents(
  project: string | undefined,
  filter: Pick<EventQuery, 'kind' | 'name' | 'type'>,
): LiveEvents {
  const client = useClient(project);
  const { connection } = useConsole();
  const queries = useQueryClient();
  const { kind, name, type } = filter;
  const key = ['events', project, kind, name, type];
  const { data, error, refetch } = useQuery({
    queryKey: key,
    queryFn: async ({ signal }): Promise<Seen> => {
      const query = { organization: project === undefined, kind, name, type, limit: PAST };
      const page = await client.eventsPage(query, { signal });
      return {
        events: page.items,
        more: page.nextCursor !== undefined,
        from: { resourceVersion: page.resourceVersion },
      };
    },
    structuralSharing: false,
  });
  const from = data?.from;
  useEffect(() => {
    if (from === undefined) return undefined;
    const stop = new AbortController();
    const follow = async () => {
      const settings = { ...from, signal: stop.signal, onReconnect: () => connection.lost() };
      const query = { organization: project === undefined, kind, name, type };
      for await (const event of client.watchEvents(query, settings)) {
        queries.setQueryData<Seen>(key, (seen) => seen && withEvent(seen, event));
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
  }, [from, project, kind, name, type, queries, connection]);
  return {
    events: data?.events,
    more: data?.more === true,
    error: error === null ? undefined : (error as DaisError),
    retry: () => void refetch(),
  };
}

function withEvent(seen: Seen, event: Event): Seen {
  if (seen.events.some(({ id }) => id === event.id)) return seen;
  return { ...seen, events: [event, ...seen.events].slice(0, KEPT) };
}
