import { kinds, platformOperations, resourceOperations, type Operation } from '@dais/api';
import { programVersion } from '../../packages/server/src/version.ts';
import { cliPage } from './cli-page.ts';
import { configPage } from './config-page.ts';
import { errorPage } from './error-page.ts';
import { eventPage } from './event-page.ts';
import { factsPage } from './facts-page.ts';
import type { GeneratedFile } from './generated-file.ts';
import { glossaryPage } from './glossary-page.ts';
import { chartFiles } from './helm/chart-files.ts';
import { httpPage } from './http-page.ts';
import { jsonSchemas } from './json-schemas.ts';
import { feastPage } from './feast-page.ts';
import { kfpPage } from './kfp-page.ts';
import { kindPages } from './kind-pages.ts';
import { manifestPage } from './manifest-page.ts';
import { metricsPage } from './metrics-page.ts';
import { mlflowPage } from './mlflow-page.ts';
import { grafanaDashboards } from './observability/grafana-dashboards.ts';
import { prometheusRules } from './observability/prometheus-rules.ts';
import { openApiFile } from './openapi-file.ts';

/** Every file of the reference, generated from the current code. The same code generates the same bytes. */
export function reference(): readonly GeneratedFile[] {
  return [
    glossaryPage(),
    manifestPage(),
    ...kindPages(),
    ...jsonSchemas(),
    errorPage(),
    eventPage(),
    factsPage(),
    configPage(),
    cliPage(),
    httpPage(operations()),
    metricsPage(),
    mlflowPage(),
    kfpPage(),
    feastPage(),
    openApiFile(operations(), programVersion()),
    prometheusRules(),
    ...grafanaDashboards(),
    ...chartFiles(),
  ];
}

/** Everything that can be done. A test compares with what the server was composed with. */
export function operations(): readonly Operation[] {
  return [...platformOperations, ...kinds.flatMap(resourceOperations)];
}
