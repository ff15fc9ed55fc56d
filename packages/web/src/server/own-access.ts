import type { DaisError, KindSpec } from '@dais/api';
import { readOwnAccessOperation, type OwnAccess } from '@dais/api/access';
import { useQuery, type QueryClient, type UseQueryResult } from '@tanstack/react-query';
import { useClient } from './console-context.ts';

/** What the person who looks may do in a project. */
export function useOwnAccess(project: string): UseQueryResult<OwnAccess, DaisError> {
  const client = useClient(project);
  return useQuery<OwnAccess, DaisError>({
    queryKey: ['access', project, 'mine'],
    queryFn: async ({ signal }) => await client.perform(readOwnAccessOperation, {}, { signal }),
    staleTime: 30_000,
  });
}

/**
 * Whether it is worth to ask for something: undefined until it is known. The server decides each time anew; this only
 * saves a page from asking for what would be refused anyway.
 */
export function useMay(project: string): (action: string) => boolean | undefined {
  const { data } = useOwnAccess(project);
  return (action) => data && data.items.some((item) => item.action === action && item.decision !== 'deny');
}

/** `alertChannel:read`: what a list of a kind asks for. */
export function readAction({ kind }: KindSpec): string {
  return `${kind.charAt(0).toLowerCase()}${kind.slice(1)}:read`;
}

/** After a change: a role, a team or a policy may be another one, and with it all that was told of rights. */
export function forgetRights(queries: QueryClient): void {
  for (const key of ['access', 'all']) void queries.invalidateQueries({ queryKey: [key] });
}
