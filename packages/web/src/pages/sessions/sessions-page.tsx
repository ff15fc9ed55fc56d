import type { DaisError } from '@dais/api';
import { listSessionsOperation, revokeSessionOperation } from '@dais/api/access';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { SessionTable, type SessionEntry } from './session-table.tsx';
import { AccountHead } from '#pages/account/account-head.tsx';
import { SoloNote } from '#pages/account/solo-note.tsx';
import { useConsole } from '#server/console-context.ts';
import { useSession, useSignOut } from '#server/session.ts';
import { Confirm } from '#ui/confirm.tsx';
import { Button } from '#ui/controls.ts';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { Icon } from '#ui/icons.tsx';
import { Panel } from '#ui/panel.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { toast } from '#ui/toast.ts';

const key = ['sessions'] as const;

export function SessionsPage() {
  const session = useSession();
  return session?.mode === 'solo' ? (
    <div className="page">
      <AccountHead title="Sessions" />
      <SoloNote />
    </div>
  ) : (
    <OwnSessions />
  );
}

function OwnSessions() {
  const { client } = useConsole();
  const queries = useQueryClient();
  const signOut = useSignOut();
  const [isOpen, setOpen] = useState(false);
  const { data, error, refetch } = useQuery({
    queryKey: key,
    queryFn: async ({ signal }) => await client.perform(listSessionsOperation, {}, { signal }),
  });
  const end = useMutation<void, DaisError, SessionEntry>({
    mutationFn: async (session) => {
      if (session.current) return await signOut();
      await client.perform(revokeSessionOperation, { id: session.id });
      toast({ title: 'Session ended' });
      await queries.invalidateQueries({ queryKey: key });
    },
  });
  const everywhere = useMutation<void, DaisError>({
    mutationFn: async () => {
      // The current session ends last: without it, the others could not be ended.
      for (const one of data?.items ?? []) {
        if (!one.current) await client.perform(revokeSessionOperation, { id: one.id });
      }
      await signOut();
    },
  });
  const failed = end.error ?? everywhere.error;
  return (
    <div className="page">
      <AccountHead
        title="Sessions"
        actions={
          <Button variant="default" color="red" leftSection={<Icon name="back" />} onClick={() => setOpen(true)}>
            Sign out everywhere
          </Button>
        }
      />
      {error !== null && <ErrorNote error={error} retry={() => void refetch()} />}
      {failed !== null && <ErrorNote error={failed} />}
      {data === undefined && error === null && <Skeleton rows={4} />}
      {data?.items.length === 0 && <EmptyState sentence="No browser sessions. You are signed in with a token." />}
      {data !== undefined && data.items.length > 0 && (
        <Panel title="Newest first" flush>
          <SessionTable
            sessions={data.items}
            end={(session) => end.mutate(session)}
            ending={end.isPending ? end.variables.id : undefined}
          />
        </Panel>
      )}
      {isOpen && (
        <Confirm
          title="Sign out everywhere?"
          verb="Sign out"
          busy={everywhere.isPending}
          confirm={() => everywhere.mutate()}
          close={() => setOpen(false)}
        >
          <p>
            All {data?.items.length ?? 0} sessions end, including this one. API tokens stay valid; revoke them on the
            tokens page.
          </p>
        </Confirm>
      )}
    </div>
  );
}
