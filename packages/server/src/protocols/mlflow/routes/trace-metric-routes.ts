/** Aggregated values of traces for the MLflow UI and programs. */
import {
  readTraceMetricsOperation,
  traceAggregations,
  traceMetrics,
  type TraceAggregation,
  type TraceMetricFilter,
  type TraceMetricView,
} from '@dais/api/tracking';
import { route, type Route } from '../route.ts';
import { list } from '../wire/encode.ts';
import { experimentNumber } from '../wire/limits.ts';
import { double, enumeration, int32, int64, json, nested, repeated, required, string } from '../wire/message.ts';
import { invalid } from '../wire/mlflow-error.ts';
import { pythonText } from '../wire/python-text.ts';

const MOST_POINTS = 1000;

export const traceMetricRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/mlflow/traces/metrics',
    version: 3,
    operation: readTraceMetricsOperation,
    request: {
      experiment_ids: required(repeated(string)),
      view_type: required(enumeration(['TRACES', 'SPANS', 'ASSESSMENTS'], { TRACES: 1, SPANS: 2, ASSESSMENTS: 3 })),
      metric_name: required(string),
      aggregations: required(
        repeated(
          nested({
            aggregation_type: enumeration(['COUNT', 'SUM', 'AVG', 'PERCENTILE', 'MIN', 'MAX'], {
              COUNT: 1,
              SUM: 2,
              AVG: 3,
              PERCENTILE: 4,
              MIN: 5,
              MAX: 6,
            }),
            percentile_value: double,
          }),
        ),
      ),
      dimensions: repeated(string),
      filters: repeated(string),
      time_interval_seconds: int64,
      start_time_ms: int64,
      end_time_ms: int64,
      max_results: int32,
      page_token: string,
    },
    response: {
      data_points: repeated(nested({ metric_name: string, dimensions: json, values: json })),
      next_page_token: string,
    },
    answer: async (values, call) => {
      const { metric_name: metric, dimensions = [], filters = [], start_time_ms: from, end_time_ms: to } = values;
      const view = values.view_type.toLowerCase() as TraceMetricView;
      const aggregations = values.aggregations.map(aggregationOf);
      requireAllowed(view, metric, aggregations, dimensions);
      const interval = values.time_interval_seconds ?? 0;
      if (interval !== 0 && (from === undefined || to === undefined)) {
        throw invalid('start_time_ms and end_time_ms are required if time_interval_seconds is set');
      }
      const { points } = await call(readTraceMetricsOperation, {
        experimentIds: values.experiment_ids.map(experimentNumber),
        view,
        metric,
        aggregations,
        dimensions: [...dimensions],
        filters: filters.map((text) => filterOf(text, view)),
        ...(interval !== 0 && { intervalSeconds: interval }),
        ...(from !== undefined && { from }),
        ...(to !== undefined && { to }),
        limit: Math.min(values.max_results ?? MOST_POINTS, MOST_POINTS),
      });
      const dataPoints = points.map((point) => {
        const time = point.time === undefined ? undefined : new Date(point.time).toISOString();
        const named = {
          ...(time !== undefined && { time_bucket: time.replace('.000Z', '+00:00') }),
          ...point.dimensions,
        };
        const found = point.values.flatMap((value, index) =>
          value === null ? [] : [[nameOf(aggregations[index]), value] as const],
        );
        // A map without members is none.
        const of = Object.keys(named).length === 0 ? {} : { dimensions: named };
        return { metric_name: metric, ...of, values: Object.fromEntries(found) };
      });
      return { data_points: list(dataPoints.filter(({ values: found }) => Object.keys(found).length > 0)) };
    },
  }),
];

interface Aggregation {
  readonly type: TraceAggregation;
  readonly percentile?: number;
}

function aggregationOf(sent: { readonly aggregation_type?: string; readonly percentile_value?: number }): Aggregation {
  const { aggregation_type: name = 'COUNT', percentile_value: percentile } = sent;
  const type = traceAggregations.find((one) => one === name.toLowerCase()) ?? 'count';
  if (type === 'percentile') {
    if (percentile === undefined) throw invalid('Percentile value is required for PERCENTILE aggregation');
    if (percentile < 0 || percentile > 100) {
      throw invalid(`Percentile value must be between 0 and 100, got ${percentile}`);
    }
    return { type, percentile };
  }
  if (percentile !== undefined) {
    throw invalid(`Percentile value is only allowed for PERCENTILE aggregation type, got ${name}`);
  }
  return { type };
}

/** As the server shows a number that is no whole one for sure: `P50.0`. */
function nameOf(aggregation: Aggregation | undefined): string {
  if (aggregation?.percentile === undefined) return aggregation?.type.toUpperCase() ?? '';
  const text = String(aggregation.percentile);
  return `P${text.includes('.') ? text : `${text}.0`}`;
}

const shown = (names: readonly string[]): string => `[${names.map(pythonText).join(', ')}]`;

function requireAllowed(
  view: TraceMetricView,
  metric: string,
  aggregations: readonly Aggregation[],
  dimensions: readonly string[],
): void {
  const metrics = traceMetrics[view];
  const allowed = Object.hasOwn(metrics, metric) ? metrics[metric] : undefined;
  if (allowed === undefined) {
    throw invalid(`metric_name must be one of ${shown(Object.keys(metrics))}, got '${metric.slice(0, 200)}'`);
  }
  const wrong = new Set(aggregations.map(({ type }) => type).filter((type) => !allowed.aggregations.includes(type)));
  if (wrong.size > 0) {
    const upper = (types: Iterable<string>) => shown([...types].map((type) => type.toUpperCase()).toSorted());
    throw invalid(
      `Found invalid aggregation_type(s): ${upper(wrong)}. Supported aggregation types: ${upper(allowed.aggregations)}`,
    );
  }
  const unknown = new Set(dimensions.filter((name) => !allowed.dimensions.includes(name)));
  if (unknown.size > 0) {
    throw invalid(
      `Found invalid dimension(s): ${shown([...unknown].toSorted())}. Supported dimensions: ${shown(allowed.dimensions)}`,
    );
  }
}

const CLAUSE =
  /^\s*(?<name>(?:[\w-]+|`[^`]*`|"[^"]*"|\.)+)\s*(?<operator>[=!<>]+|[A-Za-z]+)\s*(?<value>'[^']*'|"[^"]*")\s*$/;
const ENTITIES: Readonly<Record<string, readonly string[]>> = {
  trace: ['status', 'tag', 'metadata'],
  span: ['name', 'status', 'type'],
  assessment: ['name', 'type'],
};

/** One clause: `trace.tag.team = 'air'`. @throws MlflowError with the message of MLflow's server. */
function filterOf(text: string, view: TraceMetricView): TraceMetricFilter {
  const { name = '', operator = '', value = '' } = CLAUSE.exec(text)?.groups ?? {};
  if (name === '') throw invalid(`Invalid clause(s) in filter string: ${text.slice(0, 200)}`);
  const [of = '', entity = '', ...rest] = name.split('.');
  const entities = Object.hasOwn(ENTITIES, of) ? ENTITIES[of] : undefined;
  if (entities === undefined) {
    throw invalid(`Invalid view type '${of}'. Valid values are dict_keys(${shown(Object.keys(ENTITIES))})`);
  }
  if (!entities.includes(entity)) {
    throw invalid(`Invalid entity '${entity}' specified for view type '${of}'. Valid entities are ${shown(entities)}`);
  }
  const key = rest.join('.').replaceAll(/^[`"']|[`"']$/g, '');
  const keyed = entity === 'tag' || entity === 'metadata';
  if (keyed && key === '') {
    throw invalid(`Filtering by ${entity} requires a key, e.g. '${of}.${entity}.<key> = <value>'`);
  }
  if (!keyed && rest.length > 0) {
    throw invalid(`Filtering by ${entity} does not require a key, use '${of}.${entity}' instead`);
  }
  if (operator !== '=') throw invalid(`Invalid comparator: '${operator}', only '=' operator is supported`);
  if (of !== 'trace' && !view.startsWith(of)) {
    throw invalid(`Filtering by ${of} is only supported for ${of.toUpperCase()}S view type, got ${view.toUpperCase()}`);
  }
  const literal = value.slice(1, -1);
  if (entity === 'tag' || entity === 'metadata') return { of: entity, key, value: literal };
  if (of === 'trace') return { of: 'status', value: literal === 'STATE_UNSPECIFIED' ? 'UNSPECIFIED' : literal };
  if (of === 'span') return { of: `span.${entity as 'name' | 'status' | 'type'}`, value: literal };
  return { of: `assessment.${entity as 'name' | 'type'}`, value: literal };
}
