/** A metric of some runs as lines: the server returns about as many points as the chart has pixels. */
import type { DaisError } from '@dais/api';
import { chartMetricOperation, type Run } from '@dais/api/tracking';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { ChartView } from './chart-view.ts';
import { useClient } from '#server/console-context.ts';
import type { PlotLine } from '#ui/plot/plot-lines.ts';

/** Buckets of a chart: about one for each pixel of the widest. */
const BUCKETS = 600;
const POLL_MS = 2500;

type Chart = (typeof chartMetricOperation)['output']['_output'];

export interface MetricLines {
  readonly lines: readonly PlotLine[] | undefined;
  /** Number of points of all runs in this range, before downsampling. */
  readonly points: number;
  readonly error: DaisError | null;
}

/** `seen`: the query is disabled for charts that were never visible. */
export function useMetricLines(
  project: string,
  runs: readonly Run[],
  key: string,
  view: ChartView,
  seen: boolean,
): MetricLines {
  const client = useClient(project);
  const ids = runs.map(({ id }) => id);
  const { axis, range } = view;
  // Each run has its own start: a relative position is known only for a single run.
  const began = runs.length === 1 ? runs[0]?.startedAt : undefined;
  const visible = axis !== 'relative' ? range : began === undefined || range === undefined ? undefined : range;
  const locate = (at: number) =>
    axis === 'step' ? Math.round(at) : Math.round(at * 1000) + (axis === 'relative' ? (began ?? 0) : 0);
  const [from, to] = visible === undefined ? [] : visible.map(locate);
  const { data, error } = useQuery<Chart, DaisError>({
    queryKey: ['chart', project, ids, key, axis === 'step' ? 'step' : 'time', from, to],
    queryFn: async ({ signal }) =>
      await client.perform(
        chartMetricOperation,
        {
          ids,
          key,
          axis: axis === 'step' ? 'step' : 'time',
          buckets: BUCKETS,
          ...(from !== undefined && { from }),
          ...(to !== undefined && { to }),
        },
        { signal },
      ),
    enabled: seen,
    placeholderData: keepPreviousData,
    staleTime: 30_000,
    refetchInterval: seen && runs.some(({ status }) => status === 'RUNNING') ? POLL_MS : false,
  });
  const lines = useMemo(() => data && linesOf(data, runs, axis), [data, runs, axis]);
  const points = data?.series.reduce((sum, one) => sum + one.points, 0) ?? 0;
  return { lines, points, error };
}

function linesOf({ series }: Chart, runs: readonly Run[], axis: ChartView['axis']): readonly PlotLine[] {
  const byId = new Map(series.map((one) => [one.id, one.buckets]));
  return runs.flatMap((run, position): PlotLine[] => {
    const buckets = byId.get(run.id) ?? [];
    if (buckets.length === 0) return [];
    const at = (x: number) => (axis === 'step' ? x : axis === 'time' ? x / 1000 : (x - run.startedAt) / 1000);
    const many = buckets.some(({ n }) => n > 1) && runs.length === 1;
    return [
      {
        label: run.name,
        place: position,
        xs: buckets.map(({ x }) => at(x)),
        ys: buckets.map(({ mean }) => mean ?? null),
        ...(many && { low: buckets.map(({ min }) => min ?? null), high: buckets.map(({ max }) => max ?? null) }),
      },
    ];
  });
}
