/** The steps and groups of an execution, loaded page by page, and then their changes. */
import type { DaisClient, DaisError } from '@dais/api';
import { listExecutionEdgesOperation, readExecutionGraphOperation } from '@dais/api/executions';
import { useQueries } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { patchMarks, type Marks } from './marks.ts';
import { executionKey } from './use-execution.ts';
import { useClient } from '#server/console-context.ts';

/** Interval of the requests for changes. */
const POLL_MS = 1500;
/** Maximum number of drawn and listed steps; the API returns all. */
export const MOST_MARKS = 10_000;
const MOST_EDGES = 20_000;

export interface RunMarks {
  readonly marks: Marks;
  /** Changes when new marks arrive. */
  readonly shape: number;
  /** All pages were read. */
  readonly complete: boolean;
  /** There are more than are read. */
  readonly more: boolean;
  readonly error: DaisError | undefined;
}

const NONE: RunMarks = { marks: new Map(), shape: 0, complete: false, more: false, error: undefined };

/** `ended`: the execution no longer changes; the remaining pages are read once. */
export function useMarks(project: string, id: string, ended: boolean): RunMarks {
  const client = useClient(project);
  const [state, setState] = useState(NONE);
  useEffect(() => {
    const stop = new AbortController();
    const { signal } = stop;
    let timer: ReturnType<typeof setTimeout> | undefined;
    /** Returns the position after which changes are requested. */
    const read = async (since: string | undefined): Promise<string> => {
      let [cursor, location, known] = [undefined as string | undefined, '', 0];
      do {
        const input = { id, ...(since !== undefined && { since }), ...(cursor !== undefined && { cursor }) };
        // oxlint-disable-next-line no-await-in-loop -- each page names the next
        const page = await client.perform(readExecutionGraphOperation, input, { signal });
        cursor = page.nextCursor;
        if (location === '') ({ place: location } = page);
        known += page.items.length;
        const last = cursor === undefined;
        const more = !last && known >= MOST_MARKS;
        setState((before) => {
          const { marks, grown } = patchMarks(before.marks, page.items);
          const complete = before.complete || last || more;
          if (marks === before.marks && complete === before.complete && before.error === undefined) return before;
          return {
            marks,
            shape: before.shape + (grown ? 1 : 0),
            complete,
            more: before.more || more,
            error: undefined,
          };
        });
      } while (cursor !== undefined && known < MOST_MARKS);
      return location;
    };
    const turn = async (since: string | undefined) => {
      let location = since;
      try {
        if (since === undefined || !document.hidden) location = await read(since);
      } catch (error) {
        if (signal.aborted) return;
        setState((before) => ({ ...before, error: error as DaisError }));
      }
      if (!ended && !signal.aborted) timer = setTimeout(() => void turn(location), POLL_MS);
    };
    void turn(undefined);
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [client, id, ended]);
  return state;
}

export type Edge = readonly [from: string, to: string];

export interface RunEdges {
  readonly of: ReadonlyMap<string, readonly Edge[]>;
  /** The known groups: the lines of a known group never change. */
  readonly known: string;
}

/** The lines of each of these groups, by paths. Lines never change, so they are read once. */
export function useEdges(project: string, id: string, groups: readonly string[]): RunEdges {
  const client = useClient(project);
  const answers = useQueries({
    queries: groups.map((group) => ({
      queryKey: [...executionKey(project, id), 'edges', group],
      queryFn: async ({ signal }: { readonly signal: AbortSignal }) => await readEdges(client, id, group, signal),
      staleTime: Infinity,
    })),
  });
  const known = groups.flatMap((group, at) => {
    const edges = answers[at]?.data;
    return edges === undefined ? [] : [[group, edges] as const];
  });
  return { of: new Map(known), known: JSON.stringify(known.map(([group]) => group)) };
}

async function readEdges(client: DaisClient, id: string, group: string, signal: AbortSignal): Promise<readonly Edge[]> {
  const all: Edge[] = [];
  const below = group === '' ? '' : `${group}/`;
  let cursor: string | undefined;
  do {
    const input = { id, group, ...(cursor !== undefined && { cursor }) };
    // oxlint-disable-next-line no-await-in-loop -- each page names the next
    const page = await client.perform(listExecutionEdgesOperation, input, { signal });
    for (const { from, to } of page.items) all.push([`${below}${from}`, `${below}${to}`]);
    cursor = page.nextCursor;
  } while (cursor !== undefined && all.length < MOST_EDGES);
  return all;
}
