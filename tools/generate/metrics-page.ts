import { metricDefinitions, type MetricDefinition } from '../../packages/server/src/http/metric-definitions.ts';
import { REFERENCE, type GeneratedFile } from './generated-file.ts';
import { code, page, table, text } from './markdown.ts';

export function metricsPage(): GeneratedFile {
  const metrics: readonly MetricDefinition[] = Object.values(metricDefinitions);
  const bucketed = metrics.filter((metric) => metric.buckets !== undefined);
  return {
    path: `${REFERENCE}/metrics.md`,
    text: page('Metrics', 'packages/server/src/http/metric-definitions.ts', [
      '`GET /metrics` answers in the text format of Prometheus. Names and labels are only ever added. The metrics of the process itself (`process_*`, `nodejs_*`) come from prom-client.',
      table(
        ['Name', 'Type', 'Labels', 'Meaning'],
        metrics.map((metric) => [
          code(metric.name),
          metric.type,
          metric.labels.map(code).join(', '),
          text(metric.help),
        ]),
      ),
      '## Buckets',
      table(
        ['Histogram', 'Upper bounds'],
        bucketed.map((metric) => [code(metric.name), (metric.buckets ?? []).join(', ')]),
      ),
    ]),
  };
}
