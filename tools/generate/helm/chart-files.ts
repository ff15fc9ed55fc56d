/** Generated files of the Helm chart. A chart can read only files in its own folder, so it has copies of the alerts and dashboards. */
import { basename } from 'node:path';
import type { GeneratedFile } from '../generated-file.ts';
import { grafanaDashboards } from '../observability/grafana-dashboards.ts';
import { prometheusRules } from '../observability/prometheus-rules.ts';
import { valuesSchema } from './values-schema.ts';

const CHART = 'deploy/helm/dais';

export function chartFiles(): readonly GeneratedFile[] {
  const copies = [prometheusRules(), ...grafanaDashboards()].map(({ path, text }) => ({
    path: `${CHART}/files/${basename(path)}`,
    text,
  }));
  return [
    { path: `${CHART}/values.schema.json`, text: `${JSON.stringify(valuesSchema(), undefined, 2)}\n` },
    ...copies,
  ];
}
