/** Requires authentication for every page. */
import type { CurrentSession } from '@dais/api/access';
import { useQueryClient } from '@tanstack/react-query';
import { Outlet, useLocation, useMatches, useNavigate } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useState } from 'react';
import { isOutside } from './return-path.ts';
import { Frame } from '#frame/frame.tsx';
import { PageFailure } from '#frame/page-failure.tsx';
import { sessionKey, useSessionQuery } from '#server/session.ts';

const SignInAgain = lazy(async () => ({ default: (await import('./sign-in-again.tsx')).SignInAgain }));

export function Doorway() {
  const { href } = useLocation();
  // The path of the shown page: while the next page loads, the URL is ahead of it.
  const pathname = useMatches({ select: (matches) => matches.at(-1)?.pathname ?? '' });
  const { data: session, error, refetch } = useSessionQuery();
  if (isOutside(pathname)) return <Outlet />;
  if (session === undefined) {
    return error === null ? null : <PageFailure error={error} reset={() => void refetch()} />;
  }
  return <Inside session={session} href={href} />;
}

function Inside({ session, href }: { readonly session: CurrentSession; readonly href: string }) {
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [known] = useState(session.actor);
  // The URL changes while the sign-in page loads.
  const [requestedUrl] = useState(href);
  const another = known !== undefined && session.actor !== undefined && session.actor.id !== known.id;
  useEffect(() => {
    // The cached data of the previous user is not for this one.
    if (another) location.reload();
  }, [another]);
  const outsider = known === undefined && session.actor === undefined;
  useEffect(() => {
    if (!outsider) return;
    void navigate({ to: '/sign-in', search: requestedUrl === '/' ? {} : { next: requestedUrl }, replace: true });
  }, [outsider, requestedUrl, navigate]);
  if (known === undefined) return null;
  const goOn = (started: CurrentSession) => {
    queries.setQueryData(sessionKey, started);
    // Only failed queries are read again: an editor keeps its initial version.
    void queries.refetchQueries({ predicate: ({ state }) => state.status === 'error' });
  };
  return (
    <>
      <Frame />
      {session.actor === undefined && (
        <Suspense>
          <SignInAgain ways={session.signIn} name={known.id} onSession={goOn} />
        </Suspense>
      )}
    </>
  );
}
