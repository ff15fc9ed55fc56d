/**
 * Bytes for whoever has a ticket: programs that send an artifact in parts, or read one by a link, do it with clients that
 * know no credential of ours. The operations below `/transfer/` look at the ticket; it comes in a header, so that no log of
 * addresses holds it.
 */
import type { Door } from '#http/door.ts';
import { addContentRoutes } from '#http/content-routes.ts';
import type { OperationCalls } from '#http/native-door.ts';

export function transferDoor({ calls }: { readonly calls: Pick<OperationCalls, 'operations' | 'call'> }): Door {
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
