/** Routes of the gateway itself: liveness, readiness, metrics. */
import { negotiateMetrics, type MetricsText } from '#lib/telemetry/openmetrics.ts';
import type { ServingProtocol } from '../serving-protocol.ts';

export function probes(metrics: () => Promise<MetricsText>): ServingProtocol {
  const plain = { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' };
  return {
    name: 'probes',
    match: (method, path) => {
      if (method !== 'GET') return undefined;
      switch (path) {
        case '/livez':
          return {
            kind: 'answer',
            operation: 'livez',
            open: true,
            answer: () => ({ status: 200, headers: plain, body: 'ok\n' }),
          };
        case '/readyz':
          return {
            kind: 'answer',
            operation: 'readyz',
            open: true,
            answer: ({ ready }) => ({
              status: ready ? 200 : 503,
              headers: plain,
              body: ready ? 'ok\n' : 'not ready: no snapshot received, shutting down, or the node is drained\n',
            }),
          };
        case '/metrics':
          return {
            kind: 'answer',
            operation: 'metrics',
            open: true,
            answer: async (_served, _body, { headers: { accept } }) => {
              const { type, text } = negotiateMetrics(await metrics(), accept);
              const headers = { 'content-type': type, 'cache-control': 'no-store', vary: 'accept' };
              return { status: 200, headers, body: text };
            },
          };
        default:
          return undefined;
      }
    },
    formatError: (error) => ({ status: error.status, headers: plain, body: `${error.message}\n` }),
  };
}
