import type { DaisError } from '@dais/api';
import { approveDeviceOperation, denyDeviceOperation, readDeviceOperation } from '@dais/api/access';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { isUserCode, userCode } from './user-code.ts';
import { accountAddress } from '#addresses.ts';
import { SoloNote } from '#pages/account/solo-note.tsx';
import { useAddressQuery } from '#server/address-fields.ts';
import { useConsole } from '#server/console-context.ts';
import { useSession } from '#server/session.ts';
import { Button, TextInput, Tooltip } from '#ui/controls.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { KeyValue } from '#ui/key-value.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { Panel } from '#ui/panel.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';
import './device.css';

/** Authorizes a command line without a browser: `?code=` as the command shows it. */
export function DevicePage() {
  const session = useSession();
  const { code = '' } = useAddressQuery();
  return (
    <div className="page">
      <PageHead title="Authorize a command line" />
      {session?.mode === 'solo' ? (
        <SoloNote />
      ) : isUserCode(code) ? (
        <Decide key={code} code={userCode(code)} />
      ) : (
        <AskCode given={code} />
      )}
    </div>
  );
}

function AskCode({ given }: { readonly given: string }) {
  const navigate = useNavigate();
  const [text, setText] = useState(given);
  const ready = isUserCode(text);
  return (
    <Panel title="Device code">
      <form
        className="device-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (ready) void navigate({ to: '.', search: { code: userCode(text) } });
        }}
      >
        <p>
          <code>dais login</code> prints a code, for example <code>BCDF-GHJK</code>. Enter it only if you started that
          command yourself.
        </p>
        <TextInput
          label="Code"
          size="md"
          classNames={{ input: 'device-code' }}
          autoFocus
          autoComplete="off"
          spellCheck={false}
          maxLength={16}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <Tooltip label="The code has eight letters" disabled={ready}>
          <Button type="submit" aria-disabled={!ready} {...(!ready && { 'data-disabled': true })}>
            Continue
          </Button>
        </Tooltip>
      </form>
    </Panel>
  );
}

type Decision = 'approve' | 'deny';

function Decide({ code }: { readonly code: string }) {
  const { client } = useConsole();
  const session = useSession();
  const { data, error, refetch } = useQuery({
    queryKey: ['device', code],
    queryFn: async ({ signal }) => await client.perform(readDeviceOperation, { code }, { signal }),
    // A decided code no longer exists: the page keeps the loaded data.
    staleTime: Infinity,
    gcTime: 0,
  });
  const decide = useMutation<{ readonly machine: string }, DaisError, Decision>({
    mutationFn: async (decision) =>
      await client.perform(decision === 'approve' ? approveDeviceOperation : denyDeviceOperation, { code }),
  });
  if (decide.data !== undefined)
    return <Done machine={decide.data.machine} approved={decide.variables === 'approve'} />;
  if (error !== null) {
    return (
      <ErrorNote error={error} retry={() => void refetch()}>
        <p>
          <Link to="/device" search={{}}>
            Enter another code
          </Link>
        </p>
      </ErrorNote>
    );
  }
  if (data === undefined) return <Skeleton rows={6} />;
  const hours = data.tokenSeconds / 3600;
  return (
    <Panel title={`Code ${code}`}>
      <div className="device-form">
        <p>
          A command line on this machine requests to act with your permissions. Authorize it only if you started it and
          it shows <code className="device-shown">{code}</code>.
        </p>
        <KeyValue
          label="Request"
          pairs={[
            { key: 'machine', about: 'As reported by the client.', value: <strong>{data.machine}</strong> },
            { key: 'program', about: 'As reported by the client.', value: data.program },
            ...(data.address === undefined ? [] : [{ key: 'network address', value: <code>{data.address}</code> }]),
            { key: 'requested', value: <Time at={data.createdAt} /> },
            { key: 'permissions', value: <>everything that {session?.actor?.id ?? 'you'} may do</> },
            {
              key: 'valid for',
              value: `${hours >= 1 ? `${Number(hours.toFixed(1))} h` : `${Math.round(data.tokenSeconds / 60)} min`}; you can revoke it earlier in your API tokens`,
            },
            { key: 'expires', value: <Time at={data.expiresAt} /> },
          ]}
        />
        {decide.error !== null && <ErrorNote error={decide.error} />}
        <div className="device-end">
          <Button
            size="sm"
            loading={decide.isPending && decide.variables === 'approve'}
            disabled={decide.isPending}
            onClick={() => decide.mutate('approve')}
          >
            Authorize
          </Button>
          <Button
            size="sm"
            variant="default"
            color="red"
            loading={decide.isPending && decide.variables === 'deny'}
            disabled={decide.isPending}
            onClick={() => decide.mutate('deny')}
          >
            Deny
          </Button>
        </div>
      </div>
    </Panel>
  );
}

function Done({ machine, approved }: { readonly machine: string; readonly approved: boolean }) {
  return (
    <Panel title={approved ? 'Authorized' : 'Denied'}>
      <div className="device-form" role="status">
        <StateBadge state={approved ? 'ok' : 'off'} word={machine} />
        {approved ? (
          <p>
            The command line continues within seconds. You can close this page. The token is listed in{' '}
            <Link {...accountAddress('tokens')}>your API tokens</Link>.
          </p>
        ) : (
          <p>
            The command line got no token. If you did not start it, someone may be trying to use your account. Check{' '}
            <Link {...accountAddress('sessions')}>your sessions</Link>.
          </p>
        )}
      </div>
    </Panel>
  );
}
