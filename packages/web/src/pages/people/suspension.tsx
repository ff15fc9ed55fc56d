import type { DaisError, ManifestInput, Resource } from '@dais/api';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useConsole } from '#server/console-context.ts';
import { Confirm } from '#ui/confirm.tsx';
import { Button } from '#ui/controls.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { Panel } from '#ui/panel.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { toast } from '#ui/toast.ts';

/** Suspends or reactivates a user or service account immediately. The rest of the specification is unchanged. */
export function Suspension({ resource }: { readonly resource: Resource }) {
  const { client } = useConsole();
  const queries = useQueryClient();
  /** The confirmed action: by the time of the response, the watch may have reported the change. */
  const [pending, setPending] = useState<'suspend' | 'admit'>();
  const { apiVersion, kind, metadata, spec } = resource;
  const { name, labels, annotations } = metadata;
  const suspended = (spec as { readonly suspended?: boolean }).suspended === true;
  const change = useMutation<unknown, DaisError, 'suspend' | 'admit'>({
    mutationFn: async (what) => {
      const { suspended: _, ...rest } = spec as Readonly<Record<string, unknown>>;
      const manifest = {
        apiVersion,
        kind,
        metadata: { name, labels, annotations },
        spec: what === 'admit' ? rest : { ...rest, suspended: true },
      };
      await client.update(kind, name, manifest as ManifestInput<string>, { resourceVersion: metadata.resourceVersion });
    },
    onSuccess: (_, what) => {
      setPending(undefined);
      toast({ title: what === 'admit' ? `${name} reactivated` : `${name} is suspended` });
      void queries.invalidateQueries({ queryKey: ['resource', kind] });
      void queries.invalidateQueries({ queryKey: [kind === 'User' ? 'user-sessions' : 'service-tokens', name] });
      void queries.invalidateQueries({ queryKey: ['user-tokens', name] });
    },
  });
  return (
    <Panel
      title="Suspension"
      actions={
        <Button
          variant="default"
          {...(!suspended && { color: 'red' })}
          onClick={() => setPending(suspended ? 'admit' : 'suspend')}
        >
          {suspended ? 'Reactivate user' : 'Suspend user'}
        </Button>
      }
    >
      {suspended ? (
        <p>
          <StateBadge state="failed" word="Suspended" /> <span className="dim">Every action is denied.</span>
        </p>
      ) : (
        <p className="dim">Suspending denies every action and ends all sessions and tokens of the user immediately.</p>
      )}
      {pending !== undefined && (
        <Confirm
          title={pending === 'admit' ? `Reactivate ${name}?` : `Suspend ${name}?`}
          verb={pending === 'admit' ? 'Reactivate user' : 'Suspend user'}
          busy={change.isPending}
          confirm={() => change.mutate(pending)}
          close={() => setPending(undefined)}
        >
          <p>
            {pending === 'admit'
              ? 'The user can sign in again with the same roles. Revoked tokens stay revoked.'
              : 'All sessions and tokens of the user end immediately. The account and its roles stay.'}
          </p>
          {change.error !== null && <ErrorNote error={change.error} />}
        </Confirm>
      )}
    </Panel>
  );
}
