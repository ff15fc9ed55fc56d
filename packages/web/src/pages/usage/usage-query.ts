/** The usage query in the URL, and the text of its quantities. Pure functions. */
import {
  usageGroups,
  usageTypes,
  type UsageGroup,
  type UsageMeasure,
  type UsageSum,
  type UsageType,
} from '@dais/api/usage';

const DAY_MS = 86_400_000;

export const PERIODS = [
  { value: '7d', label: 'last 7 days', days: 7 },
  { value: '30d', label: 'last 30 days', days: 30 },
  { value: '90d', label: 'last 90 days', days: 90 },
  { value: '365d', label: 'last 365 days', days: 365 },
] as const;
export const USUAL_PERIOD = '30d';

export interface UsageQuery {
  readonly time: (typeof PERIODS)[number]['value'];
  readonly by: UsageGroup;
  readonly measure: UsageMeasure;
  readonly type: UsageType | undefined;
  readonly person: string | undefined;
  readonly resource: string | undefined;
  readonly team: string | undefined;
  readonly project: string | undefined;
}

export interface Measure {
  readonly value: UsageMeasure;
  readonly label: string;
  /** What the API counts: seconds, bytes × days, or a number. */
  readonly unit: 'time' | 'bytes' | 'count';
}

export const MEASURES: readonly Measure[] = [
  { value: 'stepSeconds', label: 'Step time', unit: 'time' },
  { value: 'cpuSeconds', label: 'CPU time of steps', unit: 'time' },
  { value: 'deviceSeconds', label: 'Device time', unit: 'time' },
  { value: 'replicaSeconds', label: 'Replica time', unit: 'time' },
  { value: 'storedByteDays', label: 'Storage', unit: 'bytes' },
  { value: 'querySeconds', label: 'Query time', unit: 'time' },
  { value: 'queries', label: 'Queries', unit: 'count' },
];

/** Display units, largest first, each with the smallest total that it is used for. */
const UNITS: Readonly<Record<Measure['unit'], readonly (readonly [unit: string, size: number, from: number])[]>> = {
  time: [
    ['h', 3600, 7200],
    ['min', 60, 120],
    ['s', 1, 0],
  ],
  bytes: [
    ['GB-days', 1e9, 1e9],
    ['MB-days', 1e6, 1e6],
    ['kB-days', 1e3, 0],
  ],
  count: [],
};

/** Returns the title with its unit, and display units per unit of the API, for values that add up to `total`. */
export function shownAs({ label, unit }: Measure, total: number): { readonly title: string; readonly scale: number } {
  const [name, size] = UNITS[unit].find(([, , from]) => total >= from) ?? [undefined, 1];
  return { title: name === undefined ? label : `${label} (${name})`, scale: 1 / size };
}

export const GROUPS: readonly { readonly value: UsageGroup; readonly label: string }[] = [
  { value: 'project', label: 'Project' },
  { value: 'person', label: 'Person' },
  { value: 'resource', label: 'Resource' },
  { value: 'team', label: 'Team' },
  { value: 'node', label: 'Node' },
  { value: 'type', label: 'Type' },
];

export const TYPES: readonly { readonly value: UsageType; readonly label: string }[] = [
  { value: 'step', label: 'Steps' },
  { value: 'replica', label: 'Model replicas' },
  { value: 'storage', label: 'Storage' },
  { value: 'query', label: 'Data queries' },
];

/** An invalid value is the default. `organization`: of all projects. */
export function usageQuery(query: Readonly<Record<string, string | undefined>>, organization: boolean): UsageQuery {
  const text = (name: string) => (query[name] === '' ? undefined : query[name]);
  const usual = organization ? 'project' : 'resource';
  return {
    time: PERIODS.find(({ value }) => value === query['time'])?.value ?? USUAL_PERIOD,
    by: usageGroups.find((one) => one === query['by']) ?? usual,
    measure: MEASURES.find(({ value }) => value === query['measure'])?.value ?? 'stepSeconds',
    type: usageTypes.find((one) => one === query['type']),
    person: text('person'),
    resource: text('resource'),
    team: text('team'),
    project: organization ? text('project') : undefined,
  };
}

/** The period ends with the current minute, so that a page asks the same for a while. */
export function usagePeriod(
  { time }: Pick<UsageQuery, 'time'>,
  now: number,
): { readonly from: string; readonly until: string } {
  const until = Math.ceil(now / 60_000) * 60_000;
  const days = PERIODS.find(({ value }) => value === time)?.days ?? 30;
  return { from: new Date(until - days * DAY_MS).toISOString(), until: new Date(until).toISOString() };
}

/** The same query as arguments of `dais`. */
export function usageWords({ time, by, type, person, resource }: UsageQuery, organization: boolean): readonly string[] {
  return [
    'usage',
    ...(organization ? ['--organization'] : []),
    '--by',
    by,
    '--since',
    time,
    ...(type === undefined ? [] : ['--type', type]),
    ...(person === undefined ? [] : ['--person', person]),
    ...(resource === undefined ? [] : ['--resource', resource]),
  ];
}

/** `1,234` or `0.05`: four significant digits; empty for zero. */
export function amountText(value: number): string {
  if (value === 0) return '';
  return Number(value.toPrecision(4)).toLocaleString('en', { maximumSignificantDigits: 4 });
}

/** Returns the measures that have a value, in order. */
export function usedMeasures(total: UsageSum): readonly Measure[] {
  return MEASURES.filter(({ value }) => total[value] > 0);
}

/** The measure of the chart: the selected one, or the first with a value if that has none. */
export function shownMeasure(selected: UsageMeasure, total: UsageSum | undefined): UsageMeasure {
  if (total === undefined || total[selected] > 0) return selected;
  return usedMeasures(total)[0]?.value ?? selected;
}

/** Display name of a group: types have names, and usage without a group has one. */
export function groupName(by: UsageGroup, key: string | null): string {
  if (key === null) return by === 'person' ? 'no person' : `no ${by}`;
  return by === 'type' ? (TYPES.find(({ value }) => value === key)?.label ?? key) : key;
}
