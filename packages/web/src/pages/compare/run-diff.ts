/** Common and different values of runs. Pure functions. */
import type { Run } from '@dais/api/tracking';
import { isClientTag, isSystemMetric, metricText } from '#pages/runs/run-words.ts';

export interface DiffRow {
  readonly group: 'Parameters' | 'Metrics' | 'Tags';
  readonly key: string;
  /** One value for each run; undefined: the run has none. */
  readonly values: readonly (string | undefined)[];
  readonly differs: boolean;
}

export function diffRuns(runs: readonly Run[]): readonly DiffRow[] {
  const rows = (group: DiffRow['group'], of: (run: Run) => Readonly<Record<string, string>>): readonly DiffRow[] => {
    const maps = runs.map(of);
    const keys = [...new Set(maps.flatMap((map) => Object.keys(map)))].toSorted();
    return keys.map((key) => {
      const values = maps.map((map) => map[key]);
      return { group, key, values, differs: new Set(values).size > 1 };
    });
  };
  return [
    ...rows('Parameters', ({ params }) => params),
    ...rows('Metrics', ({ metrics }) =>
      Object.fromEntries(
        metrics.filter(({ key }) => !isSystemMetric(key)).map(({ key, value }) => [key, metricText(value)]),
      ),
    ),
    ...rows('Tags', ({ tags }) => Object.fromEntries(Object.entries(tags).filter(([key]) => !isClientTag(key)))),
  ];
}
