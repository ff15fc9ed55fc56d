import type { DaisError } from '@dais/api';
import { searchModelVersionsOperation, type ModelVersion } from '@dais/api/registry';
import { readRunOperation, searchLoggedModelsOperation, type LoggedModel, type Run } from '@dais/api/tracking';
import { useQuery } from '@tanstack/react-query';
import { useClient } from '#server/console-context.ts';

/** Polling interval of a running run. */
const POLL_MS = 2500;

export interface OneRun {
  readonly run: Run | undefined;
  readonly error: DaisError | null;
  readonly again: () => void;
}

export function useRun(project: string, id: string): OneRun {
  const client = useClient(project);
  const { data, error, refetch } = useQuery<Run, DaisError>({
    queryKey: ['run', project, id],
    queryFn: async ({ signal }) => await client.perform(readRunOperation, { id }, { signal }),
    refetchInterval: ({ state }) => (state.data?.status === 'RUNNING' ? POLL_MS : false),
  });
  return { run: data, error, again: () => void refetch() };
}

/** The logged models of a run, from its experiment. */
export function useLoggedModels(project: string, { id, experimentId }: Run): readonly LoggedModel[] {
  const client = useClient(project);
  const { data } = useQuery({
    queryKey: ['logged-models', project, id],
    queryFn: async ({ signal }) => {
      const filter = `source_run_id = ${quoted(id)}`;
      const input = { experimentIds: [experimentId], filter, limit: 100 };
      return (await client.perform(searchLoggedModelsOperation, input, { signal })).items;
    },
  });
  return data ?? [];
}

/** Model versions that were registered from a run. */
export function useVersionsOf(project: string, runs: readonly string[]): readonly ModelVersion[] | undefined {
  const client = useClient(project);
  const { data } = useQuery({
    queryKey: ['versions-of', project, runs],
    queryFn: async ({ signal }) => {
      const filter = `run_id IN (${runs.map(quoted).join(', ')})`;
      return (await client.perform(searchModelVersionsOperation, { filter, limit: 200 }, { signal })).items;
    },
    enabled: runs.length > 0,
  });
  return data;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
