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

/** Stops a user or service account at once, and lets them go on. The rest of what was asked for stays as it is. */
export function Suspension({ resource }: { readonly resource: Resource }) {
  const { client } = useConsole();
  const queries = useQueryClient();
  /** What is about to be done: by the time of the answer, the watch may have told it already. */
  const [asked, setAsked] = useState<'suspend' | 'admit'>();
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
      setAsked(undefined);
      toast({ title: what === 'admit' ? `${name} may sign in again` : `${name} is suspended` });
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
          onClick={() => setAsked(suspended ? 'admit' : 'suspend')}
        >
          {suspended ? 'Let them in again' : 'Suspend'}
        </Button>
      }
    >
      {suspended ? (
        <p>
          <StateBadge state="failed" word="Suspended" /> <span className="dim">May do nothing.</span>
        </p>
      ) : (
        <p className="dim">Suspended, they may do nothing, and every session and token of theirs ends at once.</p>
      )}
      {asked !== undefined && (
        <Confirm
          title={asked === 'admit' ? `Let ${name} in again?` : `Suspend ${name}?`}
          verb={asked === 'admit' ? 'Let them in' : 'Suspend'}
          busy={change.isPending}
          confirm={() => change.mutate(asked)}
          close={() => setAsked(undefined)}
        >
          <p>
            {asked === 'admit'
              ? 'They may sign in and do again what their roles permit. Tokens that ended stay ended.'
              : 'All sessions and tokens of theirs end in this moment. The account stays, with its roles.'}
          </p>
          {change.error !== null && <ErrorNote error={change.error} />}
        </Confirm>
      )}
    </Panel>
  );
}
