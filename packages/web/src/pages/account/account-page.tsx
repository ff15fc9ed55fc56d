import type { DaisError } from '@dais/api';
import { changePasswordOperation, type CurrentSession } from '@dais/api/access';
import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { AccountHead } from './account-head.tsx';
import { SoloNote } from './solo-note.tsx';
import { accessAddress, namedAddress } from '#addresses.ts';
import { NewPasswordFields } from '#pages/invitation/new-password-fields.tsx';
import { passwordProblem } from '#pages/invitation/new-password.ts';
import { useConsole } from '#server/console-context.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { useSession } from '#server/session.ts';
import { Button, PasswordInput, Select, Tooltip } from '#ui/controls.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { KeyValue } from '#ui/key-value.tsx';
import { Panel } from '#ui/panel.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { toast } from '#ui/toast.ts';
import { useThemeChoice } from '#ui/use-theme.ts';

const METHODS: Readonly<Record<string, string>> = {
  password: 'with a password',
  oidc: 'with your identity provider',
  saml: 'with your identity provider',
  token: 'with a token',
  federation: 'with a token of another system',
  'owner-token': 'with the owner token of the data folder (break-glass; every action is marked in the audit log)',
  solo: 'as the owner of this server',
};

/** The viewer's account, password and theme. */
export function AccountPage() {
  const session = useSession();
  return (
    <div className="page">
      <AccountHead title="Account" />
      {session === undefined && <Skeleton rows={6} />}
      {session?.mode === 'solo' && <SoloNote />}
      {session !== undefined && (
        <div className="grid-2">
          <Panel title="Your account">
            <About session={session} />
          </Panel>
          <Panel title="Appearance">
            <Preferences />
          </Panel>
          {session.mode === 'accounts' && session.method === 'password' && (
            <Panel title="Change password">
              <PasswordForm name={session.actor?.id ?? ''} />
            </Panel>
          )}
        </div>
      )}
    </div>
  );
}

function About({ session }: { readonly session: CurrentSession }) {
  const project = useCurrentProject();
  const { actor, displayName, email, method = '', mfa } = session;
  if (actor === undefined) return null;
  const address = session.mode === 'solo' ? undefined : namedAddress('User', project, actor.id);
  return (
    <KeyValue
      label="Your account"
      pairs={[
        { key: 'user', value: address === undefined ? actor.id : <Link {...address}>{actor.id}</Link> },
        ...(displayName === undefined ? [] : [{ key: 'display name', value: displayName }]),
        ...(email === undefined ? [] : [{ key: 'email', value: email }]),
        { key: 'signed in', value: `${METHODS[method] ?? method}${mfa === true ? ', with a second factor' : ''}` },
        { key: 'permissions', value: <Link {...accessAddress(project)}>Permissions in {project}</Link> },
      ]}
    />
  );
}

const SCHEMES = [
  { value: 'auto', label: 'System' },
  { value: 'light', label: 'Light' },
  { value: 'dark', label: 'Dark' },
];

function Preferences() {
  const { choice, choose } = useThemeChoice();
  return (
    <div className="account-form">
      <Select
        label="Theme"
        description="Stored in this browser"
        data={SCHEMES}
        value={choice}
        allowDeselect={false}
        onChange={(value) => {
          if (value === 'auto' || value === 'light' || value === 'dark') choose(value);
        }}
      />
      <p>
        <kbd>?</kbd> lists the keyboard shortcuts, <kbd>Ctrl K</kbd> opens search.
      </p>
    </div>
  );
}

function PasswordForm({ name }: { readonly name: string }) {
  const { client } = useConsole();
  const [old, setOld] = useState('');
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  const { mutate, isPending, error, reset } = useMutation<object, DaisError>({
    mutationFn: async () => await client.perform(changePasswordOperation, { old, new: password }),
    onSuccess: () => {
      setOld('');
      setPassword('');
      setAgain('');
      toast({ title: 'Password changed', text: 'All your other sessions were ended.' });
    },
  });
  const problem = old === '' ? 'Enter your current password' : passwordProblem(password, again);
  const refused = (path: string) => {
    const message = error?.issues?.find((issue) => issue.path === path)?.message;
    return message === undefined ? undefined : `The new password ${message}`;
  };
  const elsewhere = error !== null && refused('old') === undefined && refused('password') === undefined;
  return (
    <form
      className="account-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (problem === undefined) mutate();
      }}
    >
      <input type="text" name="username" autoComplete="username" value={name} readOnly hidden />
      <PasswordInput
        label="Current password"
        size="sm"
        autoComplete="current-password"
        value={old}
        error={refused('old')}
        onChange={(event) => {
          reset();
          setOld(event.currentTarget.value);
        }}
      />
      <NewPasswordFields
        password={password}
        again={again}
        refused={refused('password')}
        onPassword={(value) => {
          reset();
          setPassword(value);
        }}
        onAgain={setAgain}
      />
      {elsewhere && <ErrorNote error={error} />}
      <Tooltip label={problem ?? ''} disabled={problem === undefined}>
        <Button
          type="submit"
          loading={isPending}
          aria-disabled={problem !== undefined}
          {...(problem !== undefined && { 'data-disabled': true })}
        >
          Change password and end other sessions
        </Button>
      </Tooltip>
    </form>
  );
}
