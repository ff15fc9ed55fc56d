import type { Door } from '#http/door.ts';
import type { Metrics, MetricSources } from '#http/metrics.ts';

/** `/metrics` in the Prometheus text format. */
export function metricsDoor(metrics: Metrics, sources: MetricSources): Door {
  return {
    name: 'metrics',
    paths: ['/metrics'],
    perProject: false,
    access: 'checked',
    compress: true,
    register: (app) => {
      app.get('/metrics', { config: { operation: 'metrics', ofProcess: true } }, async (_request, reply) => {
        const { type, text } = await metrics.expose(sources);
        return await reply.header('cache-control', 'no-store').type(type).send(text);
      });
    },
  };
}
