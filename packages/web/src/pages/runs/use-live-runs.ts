/** Refreshes the loaded runs while the page is open: running ones are read again, and new ones are added. */
import { searchRunsOperation, type Run } from '@dais/api/tracking';
import { useQueryClient, type QueryKey } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { insertRuns, replaceRuns, type RunsPage } from './loaded-runs.ts';
import { withIds } from './run-query.ts';
import type { RunsData, RunsOf } from './use-runs.ts';
import { useClient } from '#server/console-context.ts';

/** Polling interval of visible running runs. */
const POLL_MS = 2500;
/** Events within this time cause one query. */
const GATHER_MS = 400;
/** Maximum number of runs in one query. */
const AT_ONCE = 200;

export interface LiveRuns extends RunsOf {
  readonly key: QueryKey;
  /** The visible runs. */
  readonly inView: () => readonly Run[];
}

export interface RunsSince {
  /** Number of new runs whose position is unknown, because the order is not by start time. */
  readonly waiting: number;
  readonly forget: () => void;
}

export function useLiveRuns({ project, experiments, query, key, inView, nested = false }: LiveRuns): RunsSince {
  const client = useClient(project);
  const queries = useQueryClient();
  const options = { experiments: experiments ?? [], query, key, inView, nested };
  const latest = useRef(options);
  useEffect(() => {
    latest.current = options;
  });
  const [waiting, setWaiting] = useState<{ readonly of: string; readonly ids: ReadonlySet<string> }>();
  const location = JSON.stringify(key);
  const ready = experiments !== undefined;
  useEffect(() => {
    if (!ready) return undefined;
    const stop = new AbortController();
    const { signal } = stop;
    const gathered = new Set<string>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = async (ids: readonly string[], filter: string): Promise<readonly Run[]> => {
      const { experiments: of, nested: counts } = latest.current;
      const filtered = { experimentIds: [...of], filter: withIds(filter, ids), limit: AT_ONCE };
      const input = { ...filtered, ...(counts && { countChildren: true }) };
      return (await client.perform(searchRunsOperation, input, { signal })).items;
    };
    const patch = (change: (pages: readonly RunsPage[]) => readonly RunsPage[]) =>
      queries.setQueryData<RunsData>(latest.current.key, (data) => data && { ...data, pages: [...change(data.pages)] });
    const refresh = async () => {
      if (document.hidden) return;
      const ids = latest.current.inView().flatMap(({ id, status }) => (status === 'RUNNING' ? [id] : []));
      if (ids.length === 0) return;
      const fresh = await read(ids.slice(0, AT_ONCE), '');
      patch((pages) => replaceRuns(pages, fresh));
    };
    const add = async () => {
      timer = undefined;
      const ids = [...gathered].slice(-AT_ONCE);
      gathered.clear();
      const fresh = await read(ids, latest.current.query.filter);
      const data = queries.getQueryData<RunsData>(latest.current.key);
      const known = new Set(data?.pages.flatMap(({ items }) => items.map(({ id }) => id)));
      patch((pages) => replaceRuns(pages, fresh));
      const { orderBy, group, view } = latest.current.query;
      if (view === 'deleted') return;
      const added = fresh.filter(({ id }) => !known.has(id));
      if (orderBy.length === 0 && group === undefined) patch((pages) => insertRuns(pages, added));
      else if (added.length > 0) {
        setWaiting((before) => ({
          of: location,
          ids: new Set([...(before?.of === location ? before.ids : []), ...added.map(({ id }) => id)]),
        }));
      }
    };
    const follow = async () => {
      for await (const event of client.watchEvents({ kind: 'Run' }, { signal })) {
        const { experiment } = event.data as { readonly experiment?: string };
        if (event.subject === undefined || !latest.current.experiments.includes(experiment ?? '')) continue;
        gathered.add(event.subject.name);
        timer ??= setTimeout(() => void add().catch(ignore), GATHER_MS);
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
  }, [client, queries, location, ready]);
  return { waiting: waiting?.of === location ? waiting.ids.size : 0, forget: () => setWaiting(undefined) };
}

function ignore(): void {}
