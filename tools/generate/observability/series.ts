/** Series of metrics as queries name them. A metric or a label that Dais does not have is an error of the compiler. */
import { gatewayMetrics } from '../../../packages/server/src/gateway/metrics/gateway-metric-definitions.ts';
import { metricDefinitions } from '../../../packages/server/src/http/metrics/metric-definitions.ts';

const all = { ...prefixed(), ...metricDefinitions } as const;

/** Those of the gateway are named `gateway.latency`: some keys are of both. */
function prefixed() {
  return Object.fromEntries(Object.entries(gatewayMetrics).map(([key, one]) => [`gateway.${key}`, one])) as {
    readonly [K in keyof typeof gatewayMetrics as `gateway.${K}`]: (typeof gatewayMetrics)[K];
  };
}

export type MetricKey = keyof typeof all;
type LabelOf<K extends MetricKey> = (typeof all)[K]['labels'][number];

/** `up` and the labels of a target are Prometheus's own. */
export interface Around {
  /** Put before the matchers of each series: what a dashboard has chosen, or nothing. */
  readonly chosen: string;
}

/** `name{chosen,label="value"}`; a value that begins with `~` or `!` is the whole matcher. */
export function series<K extends MetricKey>(
  { chosen }: Around,
  key: K,
  matchers?: Readonly<Partial<Record<LabelOf<K>, string>>>,
): string {
  return selector(all[key].name, chosen, matchers);
}

/** The buckets of a histogram. */
export function buckets<K extends MetricKey>(
  { chosen }: Around,
  key: K,
  matchers?: Readonly<Partial<Record<LabelOf<K>, string>>>,
): string {
  return selector(`${all[key].name}_bucket`, chosen, matchers);
}

/** How many a histogram has counted. */
export function counted<K extends MetricKey>(
  { chosen }: Around,
  key: K,
  matchers?: Readonly<Partial<Record<LabelOf<K>, string>>>,
): string {
  return selector(`${all[key].name}_count`, chosen, matchers);
}

function selector(name: string, chosen: string, matchers: Readonly<Record<string, string | undefined>> = {}): string {
  const reported = Object.entries(matchers).map(([label, value = '']) =>
    /^[~!]/.test(value) ? `${label}${value.startsWith('~') ? '=' : ''}${value}` : `${label}="${value}"`,
  );
  const inside = [...(chosen === '' ? [] : [chosen]), ...reported].join(',');
  return inside === '' ? name : `${name}{${inside}}`;
}
