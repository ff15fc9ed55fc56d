import { gatewayMetrics } from '../../packages/server/src/gateway/metrics/gateway-metric-definitions.ts';
import { LATENCY_BUCKETS_MS } from '../../packages/api/src/gateway/index.ts';
import { metricDefinitions, type MetricDefinition } from '../../packages/server/src/http/metrics/metric-definitions.ts';
import { REFERENCE, type GeneratedFile } from './generated-file.ts';
import { code, page, table, text } from './markdown.ts';

function rows(metrics: readonly Pick<MetricDefinition, 'name' | 'type' | 'labels' | 'help'>[]): string {
  return table(
    ['Name', 'Type', 'Labels', 'Meaning'],
    metrics.map(({ name, type, labels, help }) => [code(name), type, labels.map(code).join(', '), text(help)]),
  );
}

export function metricsPage(): GeneratedFile {
  const metrics: readonly MetricDefinition[] = Object.values(metricDefinitions);
  const bucketed = metrics.filter((metric) => metric.buckets !== undefined);
  return {
    path: `${REFERENCE}/metrics.md`,
    text: page('Metrics', 'packages/server/src/http/metrics/metric-definitions.ts', [
      '`GET /metrics` responds in the Prometheus text format, or in OpenMetrics 1.0 if the `Accept` header prefers it. Names and labels are only ever added. The metrics of the process itself (`process_*`, `nodejs_*`) come from prom-client.',
      rows(metrics),
      '## Of a gateway',
      'A gateway serves `GET /metrics` on its own port.',
      rows(Object.values(gatewayMetrics)),
      '## Buckets',
      table(
        ['Histogram', 'Upper bounds'],
        [
          ...bucketed.map((metric) => [code(metric.name), (metric.buckets ?? []).join(', ')]),
          [code(gatewayMetrics.latency.name), LATENCY_BUCKETS_MS.map((ms) => ms / 1000).join(', ')],
        ],
      ),
    ]),
  };
}
