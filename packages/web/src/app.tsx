import { DaisError } from '@dais/api';
import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { useMemo } from 'react';
import { createConsoleRouter } from './routes.tsx';
import { ConsoleContext, type Console } from '#server/console-context.ts';
import { sessionKey } from '#server/session.ts';
import { ClockProvider } from '#ui/clock.tsx';
import { UiProvider } from '#ui/ui-provider.tsx';

export interface AppProps {
  readonly environment: Console;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export function App({ environment, now }: AppProps) {
  const { basePath, connection, nonce } = environment;
  const router = useMemo(() => createConsoleRouter(basePath), [basePath]);
  const queries = useMemo(() => createQueries(connection), [connection]);
  return (
    <UiProvider nonce={nonce}>
      <ClockProvider now={now}>
        <ConsoleContext value={environment}>
          <QueryClientProvider client={queries}>
            <RouterProvider router={router} />
          </QueryClientProvider>
        </ConsoleContext>
      </ClockProvider>
    </UiProvider>
  );
}

function createQueries(connection: Console['connection']): QueryClient {
  const onError = (error: unknown) => {
    if (!(error instanceof DaisError)) return;
    if (error.code === 'server_unreachable') connection.lost();
    // The session may have expired: the next request for it shows the sign-in page.
    if (error.code === 'unauthenticated') void queries.invalidateQueries({ queryKey: sessionKey });
  };
  const queries: QueryClient = new QueryClient({
    defaultOptions: {
      // The client retries what is safe to retry; watches keep lists fresh.
      queries: { retry: false, staleTime: 5000, refetchOnWindowFocus: false },
      mutations: { retry: false },
    },
    queryCache: new QueryCache({ onError }),
    mutationCache: new MutationCache({ onError }),
  });
  return queries;
}
