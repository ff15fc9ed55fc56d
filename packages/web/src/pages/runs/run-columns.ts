/** Columns of the runs table: those in the URL, or those by which these runs differ. Pure functions. */
import type { LatestMetric, Run } from '@dais/api/tracking';
import { formatKey, runFilter } from '@dais/api/filter';
import { isClientTag, isSystemMetric } from './run-words.ts';
import type { PickableColumn } from '#ui/column-picker.tsx';
import type { KnownKeys } from '#ui/query-completion.ts';

/** Columns of every run, with the same names as in filters. */
const OWN = {
  status: 'Status',
  start_time: 'Started',
  duration: 'Duration',
  user_id: 'User',
  experiment: 'Experiment',
  dataset: 'Datasets',
  models: 'Models',
  end_time: 'Ended',
  run_id: 'Run ID',
} as const;
export type OwnColumn = keyof typeof OWN;

const FAMILIES = { metric: 'Metrics', parameter: 'Parameters', tag: 'Tags' } as const;
export type LoggedFamily = keyof typeof FAMILIES;

export type RunColumn =
  | { readonly id: string; readonly title: string; readonly own: OwnColumn }
  | { readonly id: string; readonly title: string; readonly family: LoggedFamily; readonly key: string };

/** Maximum number of default columns of each family. */
const METRICS = 6;
const PARAMS = 5;

/** Keys of some runs: one page is enough to know what an experiment logs. */
export interface LoggedKeys {
  readonly keys: Readonly<Record<LoggedFamily, readonly string[]>>;
  /** Parameters with different values. */
  readonly varying: ReadonlySet<string>;
}

export function loggedKeys(runs: readonly Run[]): LoggedKeys {
  const metrics = new Map<string, number>();
  const params = new Map<string, Set<string>>();
  const tags = new Set<string>();
  for (const run of runs) {
    for (const { key } of run.metrics) metrics.set(key, (metrics.get(key) ?? 0) + 1);
    for (const [key, value] of Object.entries(run.params)) {
      const values = params.get(key) ?? new Set();
      params.set(key, values.add(value));
    }
    for (const key of Object.keys(run.tags)) tags.add(key);
  }
  const varying = new Set([...params].filter(([, values]) => values.size > 1).map(([key]) => key));
  return {
    keys: {
      metric: [...metrics].toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).map(([key]) => key),
      parameter: [...params.keys()].toSorted(),
      tag: [...tags].toSorted(),
    },
    varying,
  };
}

/** Entries of completion: the keys, and the values of these runs. */
export function knownKeys(runs: readonly Run[], { keys }: LoggedKeys): KnownKeys {
  return {
    keys,
    values: (family, key) => {
      const found = new Set<string>();
      for (const run of runs) {
        const value =
          family === 'parameter' ? run.params[key] : family === 'tag' ? run.tags[key] : attributeOf(run, family, key);
        if (value !== undefined && value.length <= 100) found.add(value);
      }
      return [...found].toSorted();
    },
  };
}

function attributeOf(run: Run, family: string, key: string): string | undefined {
  if (family === 'dataset') return key === 'name' ? run.datasets[0]?.dataset.name : undefined;
  return { status: run.status, run_name: run.name, user_id: run.user, run_id: run.id }[key];
}

/** All columns that can be selected. */
export function pickableColumns({ keys }: LoggedKeys): readonly PickableColumn[] {
  return [
    ...Object.entries(OWN).map(([id, title]) => ({ id, title, group: 'Run' })),
    ...(['metric', 'parameter', 'tag'] as const).flatMap((family) =>
      keys[family].map((key) => ({ id: formatKey(runFilter, family, key), title: key, group: FAMILIES[family] })),
    ),
  ];
}

/** `metrics.loss`, `` params.`a, b` ``: the names in filters. */
export function columnOf(id: string): RunColumn | undefined {
  const title = OWN[id as OwnColumn];
  if (title !== undefined) return { id, title, own: id as OwnColumn };
  const dot = id.indexOf('.');
  const word = id.slice(0, dot);
  const family = runFilter.families.find(({ words }) => dot > 0 && words.includes(word))?.name;
  if (family === undefined || !(family in FAMILIES)) return undefined;
  const written = id.slice(dot + 1);
  const key = written.startsWith('`') ? written.slice(1, -1).replaceAll('``', '`') : written;
  return { id: formatKey(runFilter, family, key), title: key, family: family as LoggedFamily, key };
}

/** Comma-separated ids; a comma inside backticks is part of a name. Unknown ones are ignored. */
export function readRunColumns(text: string): readonly RunColumn[] {
  return (text.match(/(?:`(?:[^`]|``)*`|[^,`])+/g) ?? []).map(columnOf).filter((one) => one !== undefined);
}

/** The default columns: metrics, and the parameters by which the runs differ. */
export function usualColumns(logged: LoggedKeys, several: boolean): readonly RunColumn[] {
  const metrics = logged.keys.metric.filter((key) => !isSystemMetric(key)).slice(0, METRICS);
  const differing = logged.keys.parameter.filter((key) => logged.varying.has(key));
  const params = (differing.length > 0 ? differing : logged.keys.parameter).slice(0, PARAMS);
  const ids = [
    'status',
    'start_time',
    'duration',
    ...(several ? ['experiment'] : []),
    ...metrics.map((key) => formatKey(runFilter, 'metric', key)),
    ...params.map((key) => formatKey(runFilter, 'parameter', key)),
    'user_id',
  ];
  return ids.map(columnOf).filter((one) => one !== undefined);
}

export function metricOf(run: Run, key: string): LatestMetric | undefined {
  return run.metrics.find((metric) => metric.key === key);
}

/** Columns that runs can be grouped by. */
export function groupChoices({ keys }: LoggedKeys, several: boolean) {
  const named = (family: 'parameter' | 'tag', found: readonly string[]) =>
    found.map((key) => ({ value: formatKey(runFilter, family, key), label: key }));
  return [
    {
      group: 'Run',
      items: [
        { value: 'status', label: 'Status' },
        { value: 'user_id', label: 'User' },
        ...(several ? [{ value: 'experiment', label: 'Experiment' }] : []),
      ],
    },
    { group: 'Parameters', items: named('parameter', keys.parameter) },
    {
      group: 'Tags',
      items: named('tag', [...keys.tag.filter((key) => !isClientTag(key)), ...keys.tag.filter(isClientTag)]),
    },
  ].filter(({ items }) => items.length > 0);
}
