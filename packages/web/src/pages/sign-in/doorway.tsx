/** Around every page: nobody gets further without having said who they are. */
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
  // Of what is shown: while the next page is loaded, the address is ahead of it.
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
  // The address moves on while the sign-in page is loaded.
  const [requestedUrl] = useState(href);
  const another = known !== undefined && session.actor !== undefined && session.actor.id !== known.id;
  useEffect(() => {
    // What the person before could see is not for the eyes of this one.
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
    // Only what failed meanwhile: an editor keeps the version that it began with.
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
