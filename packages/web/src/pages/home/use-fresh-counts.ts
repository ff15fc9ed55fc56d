import { findKind, type Event } from '@dais/api';
import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';

/** Changes of a kind within this time cause one count: an apply of a thousand resources costs one query. */
const GATHER_MS = 1000;

/** Key of the home page's ledger queries. */
export const homeKey = (project: string): string[] => ['home', project];
/** Keys below those that dialogs invalidate, so that the home page refreshes with them. */
export const alertsKey = (project: string): string[] => ['monitors', project, 'home'];
export const approvalsKey = (project: string): string[] => ['registry', project, 'home'];

/** Counts again the kinds of new events, and refreshes what needs attention. `events`: newest first. */
export function useFreshCounts(events: readonly Event[] | undefined, project: string): void {
  const queries = useQueryClient();
  const seen = useRef<string>(undefined);
  const changed = useRef(new Set<string>());
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => {
    const newest = events?.[0]?.id;
    if (events === undefined || newest === undefined || newest === seen.current) return;
    const before = events.findIndex(({ id }) => id === seen.current);
    // The initial count includes the events of the first read.
    const since = seen.current === undefined ? [] : events.slice(0, before < 0 ? events.length : before);
    seen.current = newest;
    for (const { subject } of since) if (subject !== undefined) changed.current.add(subject.kind);
    if (changed.current.size === 0) return;
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      for (const word of changed.current) {
        const scope = findKind(word)?.scope === 'org' ? undefined : project;
        void queries.invalidateQueries({ queryKey: ['count', word, scope] });
      }
      changed.current.clear();
      for (const key of [homeKey(project), alertsKey(project), approvalsKey(project)]) {
        void queries.invalidateQueries({ queryKey: key });
      }
    }, GATHER_MS);
  }, [events, project, queries]);
  useEffect(
    () => () => {
      clearTimeout(timer.current);
      timer.current = undefined;
    },
    [],
  );
}
