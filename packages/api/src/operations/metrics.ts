import { z } from 'zod';
import { defineOperation, type Operation } from '#operations/operation.ts';

export const readMetricsOperation = defineOperation({
  name: 'metrics.read',
  action: 'metrics:read',
  mode: 'read',
  scope: 'org',
  summary: 'Returns the metrics of the responding process. `/metrics` returns only the text.',
  input: z.strictObject({}),
  output: z.strictObject({
    type: z.string().describe('Content type of `text`.'),
    text: z.string().describe('Metrics in the Prometheus text format.'),
  }),
  target: () => ({ kind: 'Server' }),
  // They cover every project: no other read permission includes them.
  roles: ['scraper'],
  http: { method: 'GET', path: '/api/v1/metrics', status: 200 },
});
export type ProcessMetrics = z.infer<typeof readMetricsOperation.output>;

/** The metrics of the server process. */
export const metricsOperations: readonly Operation[] = [readMetricsOperation];
