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

/** Whom the server takes us for. Asked again when somebody comes back to the page: the session may have ended. */
export function useSessionQuery(): UseQueryResult<CurrentSession> {
  const { client } = useConsole();
  return useQuery({
    queryKey: sessionKey,
    queryFn: async ({ signal }) => await client.perform(currentSessionOperation, {}, { signal }),
    staleTime: 60_000,
    refetchOnWindowFocus: true,
  });
}

/** Undefined until the server has said whom it takes us for. */
export function useSession(): CurrentSession | undefined {
  return useSessionQuery().data;
}

/** As the frame shows who looks at it. */
export function shownName({ actor, displayName }: CurrentSession): string {
  return displayName ?? actor?.id ?? '';
}

/** `user:ada@example.com`, as questions about rights name people; undefined for nobody. */
export function principalOf({ actor }: CurrentSession): string | undefined {
  return actor === undefined ? undefined : `${actor.type}:${actor.id}`;
}

/** Ends the session, and loads the page anew: nothing of what was seen stays in its memory. */
export function useSignOut(): () => Promise<void> {
  const { client } = useConsole();
  return async () => {
    await client.perform(logoutOperation, {});
    location.assign(new URL('sign-in?left=yes', document.baseURI));
  };
}
