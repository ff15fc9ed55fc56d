/** A metric of the wire format, and its points as metrics of a run. */
import type { MetricPoint } from '@dais/api/tracking';
import { simpleValue } from '@dais/api/access';
import { RUN_ATTRIBUTES } from './run-of-telemetry.ts';
import type { Attributes } from './span-draft.ts';

export interface MetricDraft {
  name: string;
  /** AggregationTemporality: 1 delta, 2 cumulative. Gauges and summaries have none. */
  temporality: number | undefined;
  points: PointDraft[];
}

export interface PointDraft {
  /** Nanoseconds; 0: unknown. */
  time: bigint;
  attributes: Attributes;
  flags: number;
  /** Values with the suffix that they add to the name of the metric: `.count`, `.sum`, or none. */
  values: [suffix: string, value: number][];
}

/** Metrics of one program. */
export interface ResourceMetrics {
  resource: Attributes;
  metrics: MetricDraft[];
}

/** As `run.log` accepts it. */
export interface RunMetric extends MetricPoint {
  readonly key: string;
}

/** The attribute of a data point with the training step; it becomes no part of the name. */
const STEP = 'step';
const DELTA = 1;
/** The point means only that there was no measurement. */
const NO_RECORDED_VALUE = 1;
const LONGEST_KEY = 250;
const LATEST = 2n ** 63n - 1n;
/** MLflow's clients accept no others in names of metrics. */
const FORBIDDEN = /[^\p{L}\p{N}_\-./: ]/gu;

export function newPoint(): PointDraft {
  return { time: 0n, attributes: {}, flags: 0, values: [] };
}

/** Returns why no point of a metric can be stored. */
export function problemOfMetric({ name, temporality }: MetricDraft): string | undefined {
  if (name === '') return 'a metric has no name';
  if (temporality !== DELTA) return undefined;
  return `the metric "${name.slice(0, LONGEST_KEY)}" has delta temporality: set OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE=cumulative`;
}

/** Returns the metrics of a run for a data point; empty if it has no value. @throws PointError */
export function runMetrics({ name }: MetricDraft, point: PointDraft, now: number): RunMetric[] {
  const { time, attributes, flags, values } = point;
  if ((flags & NO_RECORDED_VALUE) !== 0) return [];
  if (time > LATEST) throw new PointError(`a point of "${name.slice(0, LONGEST_KEY)}" has a time after the year 2262`);
  const timestamp = time === 0n ? now : Number(time / 1_000_000n);
  const { step, labels } = stepAndLabels(attributes);
  return values.map(([suffix, value]) => {
    const key = (name + suffix + labels).replaceAll(FORBIDDEN, '_');
    if (key.length > LONGEST_KEY) {
      throw new PointError(
        `the name of "${key.slice(0, 80)}…" with its attributes has more than ${LONGEST_KEY} characters`,
      );
    }
    return { key, value: metricValue(value), timestamp, step };
  });
}

export class PointError extends Error {}

/** Each further attribute makes a metric of its own: `loss/split:train`. */
function stepAndLabels(attributes: Attributes): { readonly step: number; readonly labels: string } {
  let step = 0;
  const labels: string[] = [];
  for (const [key, value] of Object.entries(attributes)) {
    if (RUN_ATTRIBUTES.includes(key)) continue;
    if (key === STEP && typeof value === 'number' && Number.isSafeInteger(value)) step = value;
    else {
      const simple = simpleValue(value);
      labels.push(`/${key}:${typeof simple === 'string' ? simple : JSON.stringify(simple)}`);
    }
  }
  return { step, labels: labels.toSorted((a, b) => (a < b ? -1 : 1)).join('') };
}

function metricValue(value: number): MetricPoint['value'] {
  if (Number.isFinite(value)) return value;
  return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
}
