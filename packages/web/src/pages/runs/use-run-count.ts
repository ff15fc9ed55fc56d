import { countRunsOperation } from '@dais/api/tracking';
import { useQuery } from '@tanstack/react-query';
import type { RunsOf } from './use-runs.ts';
import { useClient } from '#server/console-context.ts';

/** Interval of counting runs: one count costs as much as reading ten thousand of them. */
const POLL_MS = 10_000;

export interface RunCount {
  readonly runs: number;
  /** There are more than were counted. */
  readonly more: boolean;
}

/**
 * The number of matching runs, up to the server's limit. `enabled`: not all of them are loaded, which would also give
 * the number.
 */
export function useRunCount({ project, experiments, query }: RunsOf, enabled: boolean): RunCount | undefined {
  const client = useClient(project);
  const { filter, view } = query;
  const { data } = useQuery<RunCount>({
    queryKey: ['run-count', project, experiments, filter, view],
    queryFn: async ({ signal }) =>
      await client.perform(countRunsOperation, { experimentIds: [...(experiments ?? [])], filter, view }, { signal }),
    enabled: enabled && experiments !== undefined,
    refetchInterval: POLL_MS,
  });
  return data;
}

/** `100 of 10,000+ runs loaded, more come as you scroll`. Pure function. */
export function countWords(loaded: number, more: boolean, loading: boolean, count: RunCount | undefined): string {
  const number = loaded.toLocaleString('en');
  if (!more) return `${number} ${loaded === 1 ? 'run' : 'runs'}`;
  const all =
    // The count is older than some loaded runs, or its limit is lower.
    count === undefined || count.runs <= loaded ? '' : ` of ${count.runs.toLocaleString('en')}${count.more ? '+' : ''}`;
  return `${number}${all} runs loaded, more ${loading ? 'are loading' : 'load as you scroll'}`;
}
