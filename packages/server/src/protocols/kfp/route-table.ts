import type { Route } from './route.ts';
import { experimentRoutes } from './routes/experiment-routes.ts';
import { pipelineRoutes } from './routes/pipeline-routes.ts';
import { recurringRunRoutes } from './routes/recurring-run-routes.ts';
import { runRoutes } from './routes/run-routes.ts';

/** All endpoints whose requests and responses are messages. Uploads and artifacts have their own routes. */
export const routes: readonly Route[] = [...experimentRoutes, ...pipelineRoutes, ...runRoutes, ...recurringRunRoutes];

export const BASE = '/apis/v2beta1';

/** Converts a published path to the syntax of the HTTP framework, where a final verb is a separate part. */
export function addressOf({ path }: Pick<Route, 'path'>): string {
  return (
    BASE + path.replaceAll(/\{(\w+)\}(:?)/g, (_, name: string, verb: string) => `:${name}${verb && '(^[^:/]+)::'}`)
  );
}
