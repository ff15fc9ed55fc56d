import type { ServerInfo } from '@dais/api';
import { currentSessionOperation, logoutOperation, type CurrentSession } from '@dais/api/access';
import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { useConsole } from './console-context.ts';

const serverKey = ['server'] as const;
export const sessionKey = ['session'] as const;

export function useServerInfo(): ServerInfo | undefined {
  const { client } = useConsole();
  return useQuery({ queryKey: serverKey, queryFn: ({ signal }) => client.server({ signal }), staleTime: 60_000 }).data;
}

/** The signed-in user. Requested again when the viewer returns to the page: the session may have expired. */
export function useSessionQuery(): UseQueryResult<CurrentSession> {
  const { client } = useConsole();
  return useQuery({
    queryKey: sessionKey,
    queryFn: async ({ signal }) => await client.perform(currentSessionOperation, {}, { signal }),
    staleTime: 60_000,
    refetchOnWindowFocus: true,
  });
}

/** Undefined until it is loaded. */
export function useSession(): CurrentSession | undefined {
  return useSessionQuery().data;
}

/** Display name in the frame. */
export function shownName({ actor, displayName }: CurrentSession): string {
  return displayName ?? actor?.id ?? '';
}

/** `user:ada@example.com`, the format of permission queries; undefined for an anonymous viewer. */
export function principalOf({ actor }: CurrentSession): string | undefined {
  return actor === undefined ? undefined : `${actor.type}:${actor.id}`;
}

/** Ends the session and reloads the page, so that no data stays in memory. */
export function useSignOut(): () => Promise<void> {
  const { client } = useConsole();
  return async () => {
    await client.perform(logoutOperation, {});
    location.assign(new URL('sign-in?left=yes', document.baseURI));
  };
}
