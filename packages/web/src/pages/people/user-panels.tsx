import type { DaisError, Resource } from '@dais/api';
import {
  listUserSessionsOperation,
  listUserTokensOperation,
  resetPasswordOperation,
  revokeUserSessionOperation,
  revokeUserTokenOperation,
  type CreatedInvitation,
  type TokenEntry,
} from '@dais/api/access';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { LinkOnce } from './link-once.tsx';
import { ProvisioningPanel } from './provisioning-panel.tsx';
import { RightsPanel } from './rights-panel.tsx';
import { Suspension } from './suspension.tsx';
import { SessionTable } from '#pages/sessions/session-table.tsx';
import { RevokeDialog } from '#pages/tokens/revoke-dialog.tsx';
import { TokenTable } from '#pages/tokens/token-table.tsx';
import { useConsole } from '#server/console-context.ts';
import { useMay } from '#server/own-access.ts';
import { useSession } from '#server/session.ts';
import { Button } from '#ui/controls.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { Panel } from '#ui/panel.tsx';
import { toast } from '#ui/toast.ts';
import './people.css';

export interface UserPanelsProps {
  readonly resource: Resource;
  readonly project: string;
}

/** Panels of a user, for administrators of users. */
export function UserPanels({ resource, project }: UserPanelsProps) {
  const { name } = resource.metadata;
  const session = useSession();
  const may = useMay(project);
  const accounts = session?.mode === 'accounts';
  return (
    <>
      <ProvisioningPanel resource={resource} />
      <RightsPanel kind="User" name={name} project={project} />
      {accounts && may('user:write') === true && <Suspension resource={resource} />}
      {accounts && may('user:reset') === true && <PasswordLink name={name} />}
      {accounts && may('user:sessions') === true && <Sessions name={name} ends={may('user:revoke') === true} />}
      {accounts && may('user:tokens') === true && <Tokens name={name} revokes={may('user:revoke') === true} />}
    </>
  );
}

function PasswordLink({ name }: { readonly name: string }) {
  const { client } = useConsole();
  const { mutate, data, error, isPending, reset } = useMutation<CreatedInvitation, DaisError>({
    mutationFn: async () => await client.perform(resetPasswordOperation, { name }),
  });
  return (
    <Panel
      title="Password"
      actions={
        data === undefined && (
          <Button variant="default" loading={isPending} onClick={() => mutate()}>
            Create reset link
          </Button>
        )
      }
    >
      {error !== null && <ErrorNote error={error} />}
      {data === undefined ? (
        <p className="dim">A reset link lets the user set a new password. The old password works until then.</p>
      ) : (
        <LinkOnce made={data} purpose="can set a new password" close={reset} />
      )}
    </Panel>
  );
}

function Sessions({ name, ends }: { readonly name: string; readonly ends: boolean }) {
  const { client } = useConsole();
  const queries = useQueryClient();
  const key = ['user-sessions', name];
  const { data, error } = useQuery({
    queryKey: key,
    queryFn: async ({ signal }) => await client.perform(listUserSessionsOperation, { name }, { signal }),
  });
  const end = useMutation<void, DaisError, string>({
    mutationFn: async (id) => {
      await client.perform(revokeUserSessionOperation, { name, id });
      toast({ title: 'Session ended' });
      await queries.invalidateQueries({ queryKey: key });
    },
  });
  const failed = error ?? end.error;
  const some = data !== undefined && data.items.length > 0;
  return (
    <Panel title="Active sessions" flush={some}>
      {failed !== null && <ErrorNote error={failed} />}
      {data?.items.length === 0 && <p className="dim">No active sessions.</p>}
      {some && (
        <SessionTable
          sessions={data.items}
          end={ends ? ({ id }) => end.mutate(id) : undefined}
          ending={end.isPending ? end.variables : undefined}
        />
      )}
    </Panel>
  );
}

function Tokens({ name, revokes }: { readonly name: string; readonly revokes: boolean }) {
  const { client } = useConsole();
  const queries = useQueryClient();
  const [revoking, setRevoking] = useState<TokenEntry>();
  const key = ['user-tokens', name];
  const { data, error } = useQuery({
    queryKey: key,
    queryFn: async ({ signal }) => await client.perform(listUserTokensOperation, { name }, { signal }),
  });
  const some = data !== undefined && data.items.length > 0;
  return (
    <Panel title="API tokens" flush={some}>
      {error !== null && <ErrorNote error={error} />}
      {data?.items.length === 0 && <p className="dim">No API tokens.</p>}
      {some && <TokenTable tokens={data.items} revoke={revokes ? setRevoking : undefined} />}
      {revoking !== undefined && (
        <RevokeDialog
          token={revoking}
          revoke={async (id) => await client.perform(revokeUserTokenOperation, { name, id })}
          done={() => void queries.invalidateQueries({ queryKey: key })}
          close={() => setRevoking(undefined)}
        />
      )}
    </Panel>
  );
}
