import type { DaisError } from '@dais/api';
import { readExecutionOperation, type Execution } from '@dais/api/executions';
import { useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query';
import { useEffect } from 'react';
import { useClient } from '#server/console-context.ts';

/** The start and the progress of an execution have no events. */
const POLL_MS = 2500;

export function executionKey(project: string, id: string): readonly string[] {
  return ['execution', project, id];
}

/** An execution, polled while it runs, and read immediately when it ends. */
export function useExecution(project: string, id: string): UseQueryResult<Execution, DaisError> {
  const client = useClient(project);
  const queries = useQueryClient();
  const found = useQuery<Execution, DaisError>({
    queryKey: executionKey(project, id),
    queryFn: async ({ signal }) => await client.perform(readExecutionOperation, { id }, { signal }),
    refetchInterval: ({ state }) => (state.data !== undefined && state.data.endedAt === undefined ? POLL_MS : false),
  });
  const name = found.data?.name;
  const goesOn = found.data !== undefined && found.data.endedAt === undefined;
  useEffect(() => {
    if (!goesOn || name === undefined) return undefined;
    const stop = new AbortController();
    const follow = async () => {
      for await (const event of client.watchEvents({ kind: 'Execution', name }, { signal: stop.signal })) {
        if (event.subject?.uid === id)
          void queries.invalidateQueries({ queryKey: executionKey(project, id), exact: true });
      }
    };
    // Viewers without access to events depend on polling.
    follow().catch(() => {});
    return () => stop.abort();
  }, [client, queries, project, id, name, goesOn]);
  return found;
}
