import type { DaisError } from '@dais/api';
import {
  createInvitationOperation,
  inviteAdministratorOperation,
  listInvitationsOperation,
  revokeInvitationOperation,
  type CreatedInvitation,
} from '@dais/api/access';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ActorName } from './actor-name.tsx';
import { LinkOnce } from './link-once.tsx';
import { useConsole } from '#server/console-context.ts';
import { useMay } from '#server/own-access.ts';
import { useSession } from '#server/session.ts';
import { Button, Checkbox, TextInput } from '#ui/controls.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { Icon } from '#ui/icons.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { toast } from '#ui/toast.ts';
import { Time } from '#ui/time.tsx';
import './people.css';

const KEY = ['invitations'] as const;

/** Invitations above the list of users. Renders nothing for viewers without permission. */
export function Invitations({ project }: { readonly project: string }) {
  const session = useSession();
  const may = useMay(project);
  const [inviting, setInviting] = useState(false);
  const [made, setMade] = useState<CreatedInvitation>();
  const invites = may('invitation:create') === true;
  const reads = may('invitation:read') === true;
  if (session?.mode !== 'accounts' || (!invites && !reads)) return null;
  return (
    <Panel
      title="Invitations"
      actions={
        invites &&
        !inviting && (
          <Button variant="default" leftSection={<Icon name="plus" />} onClick={() => setInviting(true)}>
            Invite user
          </Button>
        )
      }
    >
      <div className="people">
        {made !== undefined && (
          <LinkOnce made={made} purpose="can set a password and sign in" close={() => setMade(undefined)} />
        )}
        {inviting && (
          <InviteForm
            administrators={may('invitation:administrator') === true}
            done={(invitation) => {
              setMade(invitation);
              setInviting(false);
            }}
            close={() => setInviting(false)}
          />
        )}
        {reads && <Open project={project} revokes={may('invitation:revoke') === true} />}
      </div>
    </Panel>
  );
}

interface InviteFormProps {
  /** Whether the viewer may invite administrators. */
  readonly administrators: boolean;
  readonly done: (made: CreatedInvitation) => void;
  readonly close: () => void;
}

function InviteForm({ administrators, done, close }: InviteFormProps) {
  const { client } = useConsole();
  const queries = useQueryClient();
  const [email, setEmail] = useState('');
  const [administrator, setAdministrator] = useState(false);
  const { mutate, error, isPending } = useMutation<CreatedInvitation, DaisError>({
    mutationFn: async () =>
      await client.perform(administrator ? inviteAdministratorOperation : createInvitationOperation, {
        email: email.trim(),
      }),
    onSuccess: (made) => {
      void queries.invalidateQueries({ queryKey: KEY });
      done(made);
    },
  });
  return (
    <form
      className="invite"
      onSubmit={(event) => {
        event.preventDefault();
        mutate();
      }}
    >
      <TextInput
        label="Email"
        description="The user signs in with this address."
        type="email"
        required
        withAsterisk={false}
        autoFocus
        value={email}
        onChange={(event) => setEmail(event.currentTarget.value)}
      />
      {administrators && (
        <Checkbox
          label="Administrator of the organization"
          checked={administrator}
          onChange={(event) => setAdministrator(event.currentTarget.checked)}
        />
      )}
      {error !== null && <ErrorNote error={error} />}
      <div className="people-end">
        <Button type="submit" loading={isPending}>
          Create link
        </Button>
        <Button variant="default" onClick={close}>
          Cancel
        </Button>
      </div>
    </form>
  );
}

function Open({ project, revokes }: { readonly project: string; readonly revokes: boolean }) {
  const { client } = useConsole();
  const queries = useQueryClient();
  const { data, error, refetch } = useQuery({
    queryKey: KEY,
    queryFn: async ({ signal }) => await client.perform(listInvitationsOperation, {}, { signal }),
  });
  const revoke = useMutation<object, DaisError, string>({
    mutationFn: async (id) => await client.perform(revokeInvitationOperation, { id }),
    onSuccess: async () => {
      toast({ title: 'Invitation revoked' });
      await queries.invalidateQueries({ queryKey: KEY });
    },
  });
  if (error !== null) return <ErrorNote error={error} retry={() => void refetch()} />;
  if (data === undefined) return null;
  if (data.items.length === 0) return <p className="dim">No open invitations.</p>;
  return (
    <>
      {revoke.error !== null && <ErrorNote error={revoke.error} />}
      <PlainTable
        label="Open invitations"
        rows={data.items}
        keyOf={({ id }) => id}
        columns={[
          { title: 'Email', cell: ({ email }) => email },
          {
            title: 'Purpose',
            cell: ({ reset, administrator }) =>
              reset ? 'password reset' : administrator ? 'administrator account' : 'account',
          },
          { title: 'Invited by', cell: ({ createdBy }) => <ActorName actor={createdBy} project={project} /> },
          { title: 'Expires', narrow: true, cell: ({ expiresAt }) => <Time at={expiresAt} /> },
          ...(revokes
            ? [
                {
                  title: '',
                  narrow: true,
                  cell: ({ id, email }: { readonly id: string; readonly email: string }) => (
                    <Button
                      variant="default"
                      aria-label={`Revoke the invitation of ${email}`}
                      loading={revoke.isPending && revoke.variables === id}
                      onClick={() => revoke.mutate(id)}
                    >
                      Revoke
                    </Button>
                  ),
                },
              ]
            : []),
        ]}
      />
    </>
  );
}
