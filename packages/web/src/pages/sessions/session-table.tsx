import { describeUserAgent } from './user-agent.ts';
import type { listSessionsOperation } from '@dais/api/access';
import { Button } from '#ui/controls.ts';
import { PlainTable } from '#ui/plain-table.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';

export type SessionEntry = (typeof listSessionsOperation)['output']['_output']['items'][number];

export interface SessionTableProps {
  readonly sessions: readonly SessionEntry[];
  /** Undefined: the viewer has no permission to end them. */
  readonly end?: ((session: SessionEntry) => void) | undefined;
  /** Id of the session that is being ended. */
  readonly ending?: string | undefined;
}

export function SessionTable({ sessions, end, ending }: SessionTableProps) {
  return (
    <PlainTable
      label="Sessions"
      rows={sessions}
      keyOf={({ id }) => id}
      columns={[
        {
          title: 'Device',
          cell: ({ current, userAgent, address }) => (
            <>
              <span title={userAgent}>{describeUserAgent(userAgent)}</span>{' '}
              {address !== undefined && <span className="dim">from {address}</span>}{' '}
              {current && <StateBadge state="ok" word="Current session" />}
            </>
          ),
        },
        {
          title: 'Signed in',
          cell: ({ method, provider, mfa, createdAt }) => (
            <>
              <Time at={createdAt} />{' '}
              <span className="dim">
                {method === 'oidc' || method === 'saml'
                  ? `with ${provider ?? 'an identity provider'}`
                  : 'with a password'}
                {mfa && ', second factor'}
              </span>
            </>
          ),
        },
        { title: 'Last used', narrow: true, cell: ({ usedAt }) => <Time at={usedAt} /> },
        { title: 'Expires', narrow: true, cell: ({ expiresAt }) => <Time at={expiresAt} /> },
        ...(end === undefined
          ? []
          : [
              {
                title: '',
                narrow: true,
                cell: (session: SessionEntry) => (
                  <Button variant="default" loading={ending === session.id} onClick={() => end(session)}>
                    {session.current ? 'Sign out' : 'End session'}
                  </Button>
                ),
              },
            ]),
      ]}
    />
  );
}
