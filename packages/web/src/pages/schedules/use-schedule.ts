import type { DaisError } from '@dais/api';
import { listFiresOperation, listTimesOperation, type Fire } from '@dais/api/executions';
import { useQuery } from '@tanstack/react-query';
import { useClient } from '#server/console-context.ts';

/** Times ahead that are shown, and starts that were. */
const AHEAD = 5;
const BEHIND = 20;
/** Time goes on without an event that could be watched. */
const EVERY_MS = 10_000;

export interface ScheduleScope {
  readonly project: string;
  /** Uid of the Schedule. */
  readonly id: string;
  /** Of the resource, which is told about each change. */
  readonly seen: string;
}

/** When it starts a run next; nothing for one that waits for something to happen. */
export function useNextTimes({ project, id, seen }: ScheduleScope) {
  const client = useClient(project);
  return useQuery<readonly number[], DaisError>({
    queryKey: ['schedule', project, id, 'times', seen],
    queryFn: async ({ signal }) => (await client.perform(listTimesOperation, { id, count: AHEAD }, { signal })).times,
    refetchInterval: EVERY_MS,
    placeholderData: (before) => before,
  });
}

/** What it answered, the latest first. */
export function useFires({ project, id, seen }: ScheduleScope) {
  const client = useClient(project);
  return useQuery<{ readonly fires: readonly Fire[]; readonly more: boolean }, DaisError>({
    queryKey: ['schedule', project, id, 'fires', seen],
    queryFn: async ({ signal }) => {
      const page = await client.perform(listFiresOperation, { id, limit: BEHIND }, { signal });
      return { fires: page.items, more: page.nextCursor !== undefined };
    },
    refetchInterval: EVERY_MS,
    placeholderData: (before) => before,
  });
}
