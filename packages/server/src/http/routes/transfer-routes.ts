/**
 * Routes for callers with a ticket: clients that upload an artifact in parts, or download one by a link, have no
 * credential of Dais. The operations below `/transfer/` check the ticket; it is a header, so that no log of URLs
 * contains it.
 */
import type { RouteGroup } from '#http/server/route-group.ts';
import { addContentRoutes } from '#http/routes/content-routes.ts';
import type { OperationCalls } from '#http/routes/native-routes.ts';

export function transferRoutes({ calls }: { readonly calls: Pick<OperationCalls, 'operations' | 'call'> }): RouteGroup {
  const own = calls.operations.filter((operation) => operation.http.path.startsWith('/transfer/'));
  return {
    name: 'transfer',
    paths: ['/transfer/*'],
    perProject: true,
    access: 'ticket',
    compress: false,
    register: async (app, io) => {
      await addContentRoutes(app, io, (...call) => calls.call(...call), own);
    },
  };
}
