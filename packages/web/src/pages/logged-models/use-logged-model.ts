import type { DaisError } from '@dais/api';
import { readLoggedModelOperation, type LoggedModel } from '@dais/api/tracking';
import { useQuery } from '@tanstack/react-query';
import { useClient } from '#server/console-context.ts';

/** Polling interval during the upload of files. */
const POLL_MS = 2500;

export interface OneLoggedModel {
  readonly model: LoggedModel | undefined;
  readonly error: DaisError | null;
  readonly again: () => void;
}

/** Includes deleted ones: objects derived from them link here. */
export function useLoggedModel(project: string, id: string): OneLoggedModel {
  const client = useClient(project);
  const { data, error, refetch } = useQuery<LoggedModel, DaisError>({
    queryKey: ['logged model', project, id, 'deleted too'],
    queryFn: async ({ signal }) =>
      await client.perform(readLoggedModelOperation, { id, allowDeleted: true }, { signal }),
    refetchInterval: ({ state }) => (state.data?.status === 'PENDING' ? POLL_MS : false),
  });
  return { model: data, error, again: () => void refetch() };
}
