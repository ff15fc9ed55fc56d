import type { Route } from './route.ts';
import { experimentRoutes } from './routes/experiment-routes.ts';
import { pipelineRoutes } from './routes/pipeline-routes.ts';
import { recurringRunRoutes } from './routes/recurring-run-routes.ts';
import { runRoutes } from './routes/run-routes.ts';

/** Every endpoint whose request and answer are messages. Uploads and artifacts are bytes: see their own doors. */
export const routes: readonly Route[] = [...experimentRoutes, ...pipelineRoutes, ...runRoutes, ...recurringRunRoutes];

export const BASE = '/apis/v2beta1';

/** As the HTTP framework writes a published path: a verb at the end is a part of its own. */
export function addressOf({ path }: Pick<Route, 'path'>): string {
  return (
    BASE + path.replaceAll(/\{(\w+)\}(:?)/g, (_, name: string, verb: string) => `:${name}${verb && '(^[^:/]+)::'}`)
  );
}
