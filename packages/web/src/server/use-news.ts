import type { EventQuery } from '@dais/api';
import { useQueryClient, type QueryKey } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { useLiveEvents } from './use-live-events.ts';

/** Events within this time cause one refresh. */
const GATHER_MS = 200;

/**
 * Refreshes the queries under a key when events of its subject arrive. Returns true once all further events are
 * received: later reads are never older than the shown data. Viewers without access to events see the initial data.
 * While a mutation of the same key runs, queries are not refreshed, because it can delete their subject.
 */
export function useNews(project: string, about: Pick<EventQuery, 'kind' | 'name'>, key: QueryKey): boolean {
  const queries = useQueryClient();
  const { events, error } = useLiveEvents(project, about);
  const newest = events === undefined ? undefined : (events[0]?.id ?? 'none');
  const seen = useRef<string>(undefined);
  const text = JSON.stringify(key);
  useEffect(() => {
    if (newest === undefined || seen.current === newest) return undefined;
    const first = seen.current === undefined;
    seen.current = newest;
    if (first) return undefined;
    const timer = setTimeout(() => {
      const changed = JSON.parse(text) as QueryKey;
      // Objects that this page deletes no longer exist, and the page is about to close.
      if (queries.isMutating({ mutationKey: changed }) === 0) void queries.invalidateQueries({ queryKey: changed });
    }, GATHER_MS);
    return () => clearTimeout(timer);
  }, [newest, queries, text]);
  return newest !== undefined || error !== undefined;
}
