import type { DaisError } from '@dais/api';
import { listFiresOperation, listTimesOperation, type Fire } from '@dais/api/executions';
import { useQuery } from '@tanstack/react-query';
import { useClient } from '#server/console-context.ts';

/** Maximum numbers of shown future and past starts. */
const AHEAD = 5;
const BEHIND = 20;
/** Future times pass without events. */
const EVERY_MS = 10_000;

export interface ScheduleScope {
  readonly project: string;
  /** Uid of the Schedule. */
  readonly id: string;
  /** Generation of the watched resource, which changes with each update. */
  readonly seen: string;
}

/** The next start; empty for a schedule with an event trigger. */
export function useNextTimes({ project, id, seen }: ScheduleScope) {
  const client = useClient(project);
  return useQuery<readonly number[], DaisError>({
    queryKey: ['schedule', project, id, 'times', seen],
    queryFn: async ({ signal }) => (await client.perform(listTimesOperation, { id, count: AHEAD }, { signal })).times,
    refetchInterval: EVERY_MS,
    placeholderData: (before) => before,
  });
}

/** Past starts with their results, the latest first. */
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
