import type { DaisError } from '@dais/api';
import {
  organizationUsageSeriesOperation,
  sumOrganizationUsageOperation,
  sumUsageOperation,
  usageSeriesOperation,
  type UsageSum,
} from '@dais/api/usage';
import { useQuery } from '@tanstack/react-query';
import { shownMeasure, usagePeriod, type UsageQuery } from './usage-query.ts';
import { useClient } from '#server/console-context.ts';

const REFRESH_MS = 60_000;
/** Groups in the table; `dais usage` shows all. */
export const MOST_GROUPS = 1000;

export interface Usage {
  readonly items: readonly UsageSum[];
  readonly total: UsageSum;
  /** There are more groups than `MOST_GROUPS`. */
  readonly hasMore: boolean;
}

export interface UsageSeries {
  readonly days: readonly string[];
  readonly series: readonly {
    readonly key: string | null;
    readonly others?: true | undefined;
    readonly values: readonly number[];
  }[];
}

/** Sums by group, and a quantity for each day. `project`: undefined for all projects. */
export function useUsage(project: string | undefined, query: UsageQuery) {
  const client = useClient(project);
  const { type, person, resource, team, by } = query;
  const inputOf = () => ({
    ...usagePeriod(query, Date.now()),
    by,
    ...(type !== undefined && { type }),
    ...(person !== undefined && { person }),
    ...(resource !== undefined && { resource }),
    ...(team !== undefined && { team }),
  });
  const within = query.project === undefined ? {} : { project: query.project };
  const { time, measure: _, ...filter } = query;
  const key = ['usage', project, time, filter];
  const sums = useQuery<Usage, DaisError>({
    queryKey: [...key, 'sums'],
    queryFn: async ({ signal }) => {
      const input = { ...inputOf(), limit: MOST_GROUPS };
      const page =
        project === undefined
          ? await client.perform(sumOrganizationUsageOperation, { ...input, ...within }, { signal })
          : await client.perform(sumUsageOperation, input, { signal });
      return { items: page.items, total: page.total, hasMore: page.nextCursor !== undefined };
    },
    refetchInterval: REFRESH_MS,
    placeholderData: (before) => before,
  });
  const measure = shownMeasure(query.measure, sums.data?.total);
  const series = useQuery<UsageSeries, DaisError>({
    queryKey: [...key, 'series', measure],
    queryFn: async ({ signal }) => {
      const input = { ...inputOf(), measure };
      return project === undefined
        ? await client.perform(organizationUsageSeriesOperation, { ...input, ...within }, { signal })
        : await client.perform(usageSeriesOperation, input, { signal });
    },
    enabled: sums.data !== undefined,
    refetchInterval: REFRESH_MS,
    placeholderData: (before) => before,
  });
  return {
    usage: sums.data,
    series: series.data,
    measure,
    error: sums.error ?? series.error,
    retry: () => {
      void sums.refetch();
      void series.refetch();
    },
  };
}
