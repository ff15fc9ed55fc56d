import { DaisError } from '@dais/api';
import { readMetricsOperation, type ProcessMetrics } from '@dais/api/tracking';
import type { RouteGroup } from '#http/server/route-group.ts';
import type { OperationCalls } from '#http/routes/native-routes.ts';
import { entry, type OperationEntry } from '#kernel/entry.ts';
import type { Principal } from '#kernel/principal.ts';
import { negotiateMetrics } from '#lib/telemetry/openmetrics.ts';

export type ReadMetrics = () => Promise<ProcessMetrics>;

/** `read` is the process's own permission check for metrics. */
export function metricsEntries(read: ReadMetrics): readonly OperationEntry[] {
  return [entry(readMetricsOperation, { perform: read })];
}

/** `/metrics` in the Prometheus text format, or in OpenMetrics for clients that prefer it. */
export function metricsRoutes(calls: OperationCalls, read: ReadMetrics): RouteGroup {
  return {
    name: 'metrics',
    paths: ['/metrics'],
    perProject: false,
    access: 'checked',
    dispatched: true,
    compress: true,
    register: (app, io) => {
      app.get('/metrics', { config: { operation: 'metrics', ofProcess: true } }, async (request, reply) => {
        const context = io.contextOf(request, reply, 'manifest');
        const { type, text } = await calls.call(readMetricsOperation.name, {}, context).then(
          (metrics) => metrics as ProcessMetrics,
          async (error: unknown) => {
            if (isOwner(context.principal) && isOutage(error)) return await read();
            throw error;
          },
        );
        const negotiated = negotiateMetrics({ type, text }, request.headers.accept);
        return await reply
          .headers({ 'cache-control': 'no-store', vary: 'accept' })
          .type(negotiated.type)
          .send(negotiated.text);
      });
    },
  };
}

/** The owner may read metrics even if the database does not respond, to see that it does not. */
function isOwner({ type, id, via }: Principal): boolean {
  return type === 'user' && id === 'owner' && (via?.method === 'solo' || via?.method === 'owner-token');
}

function isOutage(error: unknown): boolean {
  return error instanceof DaisError && error.code === 'database_unavailable';
}
