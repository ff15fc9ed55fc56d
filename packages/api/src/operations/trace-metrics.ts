import { z } from 'zod';
import { defineOperation } from '#operations/operation.ts';

/** Aggregates over traces, their spans or their assessments: count, duration, cost. */

export const traceMetricViews = ['traces', 'spans', 'assessments'] as const;
export type TraceMetricView = (typeof traceMetricViews)[number];

export const traceAggregations = ['count', 'sum', 'avg', 'percentile', 'min', 'max'] as const;
export type TraceAggregation = (typeof traceAggregations)[number];

interface Allowed {
  readonly aggregations: readonly TraceAggregation[];
  readonly dimensions: readonly string[];
}

const LATENCY = ['avg', 'max', 'min', 'percentile'] as const;
const AMOUNT = ['avg', 'max', 'min', 'percentile', 'sum'] as const;
const tokens: Allowed = { aggregations: AMOUNT, dimensions: ['trace_name'] };
const cost: Allowed = { aggregations: AMOUNT, dimensions: ['span_model_name', 'span_model_provider'] };

/** Aggregations and dimensions of each metric, by view. */
export const traceMetrics: Readonly<Record<TraceMetricView, Readonly<Record<string, Allowed>>>> = {
  traces: {
    trace_count: { aggregations: ['count'], dimensions: ['trace_name', 'trace_status'] },
    session_count: { aggregations: ['count'], dimensions: [] },
    latency: { aggregations: LATENCY, dimensions: ['trace_name'] },
    input_tokens: tokens,
    output_tokens: tokens,
    total_tokens: tokens,
    cache_read_input_tokens: tokens,
    cache_creation_input_tokens: tokens,
  },
  spans: {
    span_count: {
      aggregations: ['count'],
      dimensions: ['span_model_name', 'span_model_provider', 'span_name', 'span_status', 'span_type'],
    },
    latency: { aggregations: LATENCY, dimensions: ['span_name', 'span_status'] },
    input_cost: cost,
    output_cost: cost,
    total_cost: cost,
  },
  assessments: {
    assessment_count: { aggregations: ['count'], dimensions: ['assessment_name', 'assessment_value'] },
    assessment_value: { aggregations: LATENCY, dimensions: ['assessment_name'] },
  },
};

const text = z.string().max(8000);
const milliseconds = z.int().describe('Milliseconds since 1970-01-01 UTC.');

const filter = z.discriminatedUnion('of', [
  z.strictObject({ of: z.literal('status'), value: text }),
  z.strictObject({ of: z.enum(['tag', 'metadata']), key: z.string().min(1).max(250), value: text }),
  z
    .strictObject({ of: z.enum(['span.name', 'span.status', 'span.type']), value: text })
    .describe('For the view `spans`.'),
  z
    .strictObject({ of: z.enum(['assessment.name', 'assessment.type']), value: text })
    .describe('For the view `assessments`.'),
]);
export type TraceMetricFilter = z.infer<typeof filter>;

export const readTraceMetricsOperation = defineOperation({
  name: 'trace.metrics',
  action: 'trace:read',
  mode: 'read',
  scope: 'project',
  summary: 'Aggregates metrics over traces, spans or assessments, by time and dimensions.',
  input: z.strictObject({
    experimentIds: z.array(z.string().regex(/^\d{1,18}$/)).max(1000),
    view: z.enum(traceMetricViews),
    metric: z.string().max(100).describe('`trace_count`, `session_count`, `latency`, `input_tokens`, `total_cost`, …'),
    aggregations: z
      .array(
        z.strictObject({
          type: z.enum(traceAggregations),
          percentile: z.number().min(0).max(100).optional().describe('For `percentile`: 50 is the median.'),
        }),
      )
      .min(1)
      .max(20),
    dimensions: z.array(z.string().max(100)).max(5).default([]).describe('`trace_name`, `span_type`, …'),
    filters: z.array(filter).max(50).default([]).describe('Filters; all must hold.'),
    intervalSeconds: z.int().min(1).max(31_536_000_000).optional().describe('Length of the time buckets.'),
    from: milliseconds.optional(),
    to: milliseconds.optional().describe('Inclusive bound.'),
    limit: z.int().min(1).max(1000).default(1000).describe('Maximum number of points, earliest first.'),
  }),
  output: z.strictObject({
    points: z.array(
      z.strictObject({
        time: z.int().optional().describe('Start of the time bucket, in milliseconds since 1970-01-01 UTC.'),
        dimensions: z.record(z.string(), z.string()),
        values: z
          .array(z.number().nullable())
          .describe('Values in the order of the aggregations; null if there is none.'),
      }),
    ),
    more: z.boolean().describe('Whether there are more points than the limit.'),
  }),
  target: () => ({ kind: 'Trace' }),
  http: { method: 'POST', path: '/api/v1/tracking/search/traces/metrics', status: 200 },
});
