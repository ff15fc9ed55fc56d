import type { Route } from './route.ts';
import { artifactRoutes } from './routes/artifact-routes.ts';
import { evaluationDatasetRoutes } from './routes/evaluation-dataset-routes.ts';
import { experimentRoutes } from './routes/experiment-routes.ts';
import { loggedModelRoutes } from './routes/logged-model-routes.ts';
import { metricRoutes } from './routes/metric-routes.ts';
import { modelRoutes } from './routes/model-routes.ts';
import { modelVersionRoutes } from './routes/model-version-routes.ts';
import { assessmentRoutes } from './routes/assessment-routes.ts';
import { traceMetricRoutes } from './routes/trace-metric-routes.ts';
import { traceRoutes } from './routes/trace-routes.ts';
import { traceV2Routes } from './routes/trace-v2-routes.ts';
import { runRoutes } from './routes/run-routes.ts';
import { webhookRoutes } from './routes/webhook-routes.ts';
import { labelSchemaRoutes } from './routes/label-schema-routes.ts';
import { reviewQueueRoutes } from './routes/review-queue-routes.ts';
import { issueRoutes } from './routes/issue-routes.ts';
import { scorerRoutes } from './routes/scorer-routes.ts';
import { workspaceRoutes } from './routes/workspace-routes.ts';

/** All endpoints whose request and response are messages. Artifacts are bytes: see artifact-transfer.ts. */
export const routes: readonly Route[] = [
  ...experimentRoutes,
  ...runRoutes,
  ...metricRoutes,
  ...loggedModelRoutes,
  ...traceRoutes,
  ...traceMetricRoutes,
  ...traceV2Routes,
  ...assessmentRoutes,
  ...artifactRoutes,
  ...modelRoutes,
  ...modelVersionRoutes,
  ...webhookRoutes,
  ...evaluationDatasetRoutes,
  ...scorerRoutes,
  ...issueRoutes,
  ...reviewQueueRoutes,
  ...labelSchemaRoutes,
  ...workspaceRoutes,
];

/** Where a route is served, without the prefix of a project: for clients, and for MLflow's own pages. */
export function addressesOf({ version, path }: Pick<Route, 'version' | 'path'>): readonly string[] {
  return [`/api/${version}.0${path}`, `/ajax-api/${version}.0${path}`];
}
