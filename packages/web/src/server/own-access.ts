import type { DaisError, KindSpec } from '@dais/api';
import { readOwnAccessOperation, type OwnAccess } from '@dais/api/access';
import { useQuery, type QueryClient, type UseQueryResult } from '@tanstack/react-query';
import { useClient } from './console-context.ts';

/** Permissions of the viewer in a project. */
export function useOwnAccess(project: string): UseQueryResult<OwnAccess, DaisError> {
  const client = useClient(project);
  return useQuery<OwnAccess, DaisError>({
    queryKey: ['access', project, 'mine'],
    queryFn: async ({ signal }) => await client.perform(readOwnAccessOperation, {}, { signal }),
    staleTime: 30_000,
  });
}

/**
 * Whether a request would be permitted: undefined until it is known. The server decides each request again; this only
 * avoids requests that it would refuse.
 */
export function useMay(project: string): (action: string) => boolean | undefined {
  const { data } = useOwnAccess(project);
  return (action) => data && data.items.some((item) => item.action === action && item.decision !== 'deny');
}

/** `alertChannel:read`: the permission for a list of a kind. */
export function readAction({ kind }: KindSpec): string {
  return `${kind.charAt(0).toLowerCase()}${kind.slice(1)}:read`;
}

/** After a change of a role, team or policy, all loaded permissions may be outdated. */
export function forgetRights(queries: QueryClient): void {
  for (const key of ['access', 'all']) void queries.invalidateQueries({ queryKey: [key] });
}
