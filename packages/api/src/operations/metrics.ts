import { z } from 'zod';
import { defineOperation, type Operation } from '#operations/operation.ts';

export const readMetricsOperation = defineOperation({
  name: 'metrics.read',
  action: 'metrics:read',
  mode: 'read',
  scope: 'org',
  summary: 'Gives the metrics of the process that answers; `/metrics` gives the text alone.',
  input: z.strictObject({}),
  output: z.strictObject({
    type: z.string().describe('The content type of `text`.'),
    text: z.string().describe('In the text format of Prometheus.'),
  }),
  target: () => ({ kind: 'Server' }),
  // They tell of every project: nobody reads them because they may read something else.
  roles: ['scraper'],
  http: { method: 'GET', path: '/api/v1/metrics', status: 200 },
});
export type ProcessMetrics = z.infer<typeof readMetricsOperation.output>;

/** What the process tells of itself. */
export const metricsOperations: readonly Operation[] = [readMetricsOperation];
