import type { DaisError } from '@dais/api';
import { acceptInvitationOperation, readInvitationOperation, type CurrentSession } from '@dais/api/access';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { NewPasswordFields } from './new-password-fields.tsx';
import { passwordProblem } from './new-password.ts';
import { OutsideCard } from '#pages/sign-in/outside-card.tsx';
import { useConsole } from '#server/console-context.ts';
import { sessionKey } from '#server/session.ts';
import { Button, TextInput, Tooltip } from '#ui/controls.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { Time } from '#ui/time.tsx';

/** Sets a password through a link: for a new user, or to replace an old password. */
export function InvitationPage() {
  const { client } = useConsole();
  const navigate = useNavigate();
  // The fragment after `#` reaches no server and no log; it is also removed from the browser's history.
  const [secret] = useState(() => location.hash.slice(1));
  useEffect(() => {
    if (location.hash !== '') void navigate({ to: '.', hash: '', replace: true });
  }, [navigate]);
  const { data, error, refetch } = useQuery({
    queryKey: ['invitation', secret],
    queryFn: async ({ signal }) => await client.perform(readInvitationOperation, { secret }, { signal }),
    enabled: secret !== '',
    staleTime: Infinity,
    gcTime: 0,
  });
  if (secret === '') {
    return (
      <OutsideCard title="Invalid invitation link" wide>
        <p>The link is incomplete. Open the whole invitation link, including the part after #.</p>
        <Link to="/sign-in">Sign in</Link>
      </OutsideCard>
    );
  }
  if (data === undefined) {
    return (
      <OutsideCard title="Invitation" wide>
        {error === null ? <Skeleton rows={4} /> : <ErrorNote error={error} retry={() => void refetch()} />}
        {error !== null && <Link to="/sign-in">Sign in</Link>}
      </OutsideCard>
    );
  }
  return <Accept secret={secret} invited={data} />;
}

interface AcceptProps {
  readonly secret: string;
  readonly invited: {
    readonly email: string;
    readonly name: string;
    readonly reset: boolean;
    readonly expiresAt: string;
  };
}

function Accept({ secret, invited }: AcceptProps) {
  const { client } = useConsole();
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [displayName, setDisplayName] = useState('');
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  const { mutate, isPending, error, reset } = useMutation<CurrentSession, DaisError>({
    mutationFn: async () =>
      await client.perform(acceptInvitationOperation, {
        secret,
        password,
        ...(displayName.trim() !== '' && { displayName: displayName.trim() }),
      }),
    onSuccess: (session) => {
      queries.setQueryData(sessionKey, session);
      void navigate({ to: '/', replace: true });
    },
  });
  const problem = passwordProblem(password, again);
  const refused = error?.issues?.find(({ path }) => path === 'password' || path === 'new')?.message;
  return (
    <OutsideCard title={invited.reset ? 'Choose a new password' : 'Welcome to Dais'} wide>
      <p>
        {invited.reset ? 'User ' : 'You are joining as '}
        <strong>{invited.name}</strong>
        {invited.name !== invited.email && ` (${invited.email})`}. The link works once and expires{' '}
        <Time at={invited.expiresAt} />.
      </p>
      <form
        className="sign-in-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (problem === undefined) mutate();
        }}
      >
        <input type="text" name="username" autoComplete="username" value={invited.name} readOnly hidden />
        {!invited.reset && (
          <TextInput
            label="Your name"
            description="Shown to other users. Optional."
            size="sm"
            autoComplete="name"
            maxLength={256}
            autoFocus
            value={displayName}
            onChange={(event) => setDisplayName(event.currentTarget.value)}
          />
        )}
        <NewPasswordFields
          password={password}
          again={again}
          autoFocus={invited.reset}
          refused={refused === undefined ? undefined : `The new password ${refused}`}
          onPassword={(value) => {
            reset();
            setPassword(value);
          }}
          onAgain={setAgain}
        />
        {error !== null && refused === undefined && <ErrorNote error={error} />}
        <Tooltip label={problem ?? ''} disabled={problem === undefined}>
          <Button
            type="submit"
            size="sm"
            fullWidth
            loading={isPending}
            aria-disabled={problem !== undefined}
            {...(problem !== undefined && { 'data-disabled': true })}
          >
            {invited.reset ? 'Set password and sign in' : 'Create account'}
          </Button>
        </Tooltip>
        {problem !== undefined && password !== '' && (
          <p className="dim" role="status">
            {problem}
          </p>
        )}
      </form>
    </OutsideCard>
  );
}
