import type { DaisError } from '@dais/api';
import { loginOperation, type CurrentSession } from '@dais/api/access';
import { useMutation } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { waitWords } from './wait-words.ts';
import { useConsole } from '#server/console-context.ts';
import { Button, PasswordInput, TextInput } from '#ui/controls.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import './sign-in.css';

export interface SignInFormProps {
  /** The available sign-in methods. */
  readonly ways: CurrentSession['signIn'];
  /** A prefilled name: usually the same user returns. */
  readonly name?: string;
  /** Path on this server that the identity provider redirects to. */
  readonly next: string;
  /** The page behind keeps its input: the provider opens in another tab. */
  readonly keepPage?: boolean;
  readonly onSession: (session: CurrentSession) => void;
}

export function SignInForm({ ways, name = '', next, keepPage = false, onSession }: SignInFormProps) {
  return (
    <>
      {ways.passwords && <PasswordForm name={name} onSession={onSession} />}
      {ways.passwords && ways.providers.length > 0 && <div className="sign-in-or">or</div>}
      {ways.providers.map((provider) => (
        <Button
          key={provider.name}
          variant="default"
          size="sm"
          fullWidth
          component="a"
          href={`auth/${provider.protocol}/${encodeURIComponent(provider.name)}/start?next=${encodeURIComponent(next)}`}
          {...(keepPage && { target: '_blank', rel: 'opener' })}
        >
          Sign in with {provider.title}
        </Button>
      ))}
      {!ways.passwords && ways.providers.length === 0 && (
        <p>Sign-in is not configured: passwords are disabled and no identity provider is set up.</p>
      )}
    </>
  );
}

interface PasswordFormProps {
  readonly name: string;
  readonly onSession: (session: CurrentSession) => void;
}

function PasswordForm({ name: known, onSession }: PasswordFormProps) {
  const { client } = useConsole();
  const [name, setName] = useState(known);
  const [password, setPassword] = useState('');
  const { mutate, isPending, error, failureCount, submittedAt } = useMutation<CurrentSession, DaisError>({
    mutationFn: async () => await client.perform(loginOperation, { name: name.trim(), password }),
    onSuccess: onSession,
    onError: () => setPassword(''),
  });
  const wait = useCountdown(error?.retryAfter, submittedAt + failureCount);
  return (
    <form
      className="sign-in-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (wait === 0) mutate();
      }}
    >
      <TextInput
        label="Name"
        size="sm"
        name="username"
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        required
        withAsterisk={false}
        autoFocus={known === ''}
        data-autofocus={known === '' || undefined}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <PasswordInput
        label="Password"
        size="sm"
        name="password"
        autoComplete="current-password"
        required
        withAsterisk={false}
        autoFocus={known !== ''}
        data-autofocus={known !== '' || undefined}
        value={password}
        onChange={(event) => setPassword(event.currentTarget.value)}
      />
      {error !== null && <LoginError error={error} wait={wait} />}
      <Button type="submit" size="sm" fullWidth loading={isPending} disabled={wait > 0}>
        {wait > 0 ? `Retry in ${waitWords(wait)}` : 'Sign in'}
      </Button>
    </form>
  );
}

/** One text for all reasons, which does not reveal the existing names. */
function LoginError({ error, wait }: { readonly error: DaisError; readonly wait: number }) {
  if (error.code === 'unauthenticated') {
    return (
      <p className="sign-in-error" role="alert">
        {error.message}
      </p>
    );
  }
  if (error.code === 'rate_limited') {
    return (
      <p className="sign-in-error" role="alert">
        {wait > 0 ? 'Too many attempts. Wait until the button is enabled again.' : 'Retry.'}
      </p>
    );
  }
  return <ErrorNote error={error} />;
}

/** Seconds left of `seconds`, counted from the render in which `since` changed; 0 after that. */
function useCountdown(seconds: number | undefined, since: number): number {
  const [left, setLeft] = useState(0);
  useEffect(() => {
    setLeft(seconds ?? 0);
    if (seconds === undefined) return undefined;
    const timer = setInterval(() => setLeft((before) => Math.max(0, before - 1)), 1000);
    return () => clearInterval(timer);
  }, [seconds, since]);
  return left;
}
