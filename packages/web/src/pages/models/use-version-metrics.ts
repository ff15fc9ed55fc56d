/** Metrics of the runs of versions, for a table: one query for a hundred versions. */
import type { ModelVersion } from '@dais/api/registry';
import { searchRunsOperation, type Run } from '@dais/api/tracking';
import { useQueries } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useExperimentNames } from '#pages/experiments/use-experiments.ts';
import { useClient } from '#server/console-context.ts';

const AT_ONCE = 100;

export type RunMetrics = Readonly<Record<string, number | string>>;

/** Returns metrics by the id of the run. `enabled`: the page shows them. */
export function useVersionMetrics(
  project: string,
  versions: readonly ModelVersion[],
  enabled: boolean,
): ReadonlyMap<string, RunMetrics> {
  const client = useClient(project);
  const experiments = useExperimentNames(project);
  const parts = useMemo(() => {
    const runs = [...new Set(versions.flatMap(({ runId }) => (runId === undefined ? [] : [runId])))];
    return enabled ? chunked(runs) : [];
  }, [versions, enabled]);
  return useQueries({
    queries: parts.map((runs) => ({
      queryKey: ['runs of versions', project, runs],
      queryFn: async ({ signal }: { readonly signal: AbortSignal }): Promise<readonly Run[]> => {
        const filter = `run_id IN (${runs.map((run) => `'${run.replaceAll("'", "''")}'`).join(', ')})`;
        const experimentIds = [...(experiments?.keys() ?? [])];
        const input = { experimentIds, filter, view: 'all', limit: AT_ONCE } as const;
        return (await client.perform(searchRunsOperation, { ...input, experimentIds }, { signal })).items;
      },
      enabled: experiments !== undefined,
      staleTime: 30_000,
    })),
    combine: byRun,
  });
}

function chunked(runs: readonly string[]): readonly (readonly string[])[] {
  return Array.from({ length: Math.ceil(runs.length / AT_ONCE) }, (_, at) =>
    runs.slice(at * AT_ONCE, (at + 1) * AT_ONCE),
  );
}

function byRun(results: readonly { readonly data: readonly Run[] | undefined }[]): ReadonlyMap<string, RunMetrics> {
  return new Map(
    results
      .flatMap(({ data = [] }) => data)
      .map(({ id, metrics }) => [id, Object.fromEntries(metrics.map(({ key, value }) => [key, value]))]),
  );
}
