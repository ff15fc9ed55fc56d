import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useEffect } from 'react';
import { OutsideCard } from './outside-card.tsx';
import { returnPath } from './return-path.ts';
import { SignInForm } from './sign-in-form.tsx';
import { useAddressQuery } from '#server/address-fields.ts';
import { sessionKey, useSessionQuery } from '#server/session.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge } from '#ui/state-badge.tsx';

/** `next`: path to return to; `left`: the user has just signed out; `done`: another tab waits for this one. */
export function SignInPage() {
  const { next, left, done } = useAddressQuery();
  const { data: session, error, refetch } = useSessionQuery();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const location = returnPath(next);
  const isIn = session?.actor !== undefined;
  useEffect(() => {
    if (isIn && done === undefined) void navigate({ href: location, replace: true });
  }, [isIn, done, location, navigate]);
  if (isIn && done === undefined) return null;
  if (isIn) {
    return (
      <OutsideCard title="You are signed in">
        <p>Return to the other tab to continue. You can close this tab.</p>
      </OutsideCard>
    );
  }
  return (
    <OutsideCard title="Sign in to Dais">
      {left !== undefined && (
        <div role="status">
          <StateBadge state="ok" word="You have signed out" />
          {session?.signIn.providers.map(({ protocol, ...provider }) => (
            <p key={provider.name} className="dim">
              {provider.title} may still have a session:{' '}
              {protocol === 'oidc' ? (
                <a href={`auth/oidc/${encodeURIComponent(provider.name)}/logout`}>sign out there too</a>
              ) : (
                'sign out there too'
              )}
              .
            </p>
          ))}
        </div>
      )}
      {error !== null && <ErrorNote error={error} retry={() => void refetch()} />}
      {session === undefined && error === null && <Skeleton rows={4} />}
      {session !== undefined && (
        <SignInForm
          ways={session.signIn}
          next={done === undefined ? location : '/sign-in?done=yes'}
          onSession={(started) => queries.setQueryData(sessionKey, started)}
        />
      )}
      {left === undefined && session !== undefined && (
        <p className="dim">
          No account yet? Ask an administrator for an invitation. For command lines: <code>dais login</code>.
        </p>
      )}
    </OutsideCard>
  );
}
