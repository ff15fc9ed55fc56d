import type { EventQuery } from '@dais/api';
import { useQueryClient, type QueryKey } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { useLiveEvents } from './use-live-events.ts';

/** Events that come within this time are one reason to read again. */
const GATHER_MS = 200;

/**
 * Reads what stands under a key again whenever something happens to what it is about. True once whatever happens from now on
 * is told: what is read after that is never older than what is shown. Whoever may not read events sees what was there.
 * While a mutation of the same key runs, nothing is read again: it takes away what the key is about.
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
      // What this page takes away itself is not there any more, and the page is about to be left.
      if (queries.isMutating({ mutationKey: changed }) === 0) void queries.invalidateQueries({ queryKey: changed });
    }, GATHER_MS);
    return () => clearTimeout(timer);
  }, [newest, queries, text]);
  return newest !== undefined || error !== undefined;
}
