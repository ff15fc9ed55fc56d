import type { DaisError } from '@dais/api';
import { drainNodeOperation, resumeNodeOperation, type ServerNode } from '@dais/api/access';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useConsole } from '#server/console-context.ts';
import { Confirm } from '#ui/confirm.tsx';
import { Checkbox } from '#ui/controls.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { toast } from '#ui/toast.ts';

export interface DrainDialogProps {
  readonly node: ServerNode;
  /** Reads the nodes again. */
  readonly done: () => Promise<void>;
  readonly close: () => void;
}

/** Starts the drain of a node that takes work, and ends the drain of another one. */
export function DrainDialog({ node, done, close }: DrainDialogProps) {
  const { client } = useConsole();
  const [force, setForce] = useState(false);
  const { id, host } = node;
  const drains = node.drain === undefined;
  const change = useMutation<void, DaisError>({
    mutationFn: async () => {
      await (drains ? client.perform(drainNodeOperation, { id, force }) : client.perform(resumeNodeOperation, { id }));
      toast({ title: drains ? `Node on ${host} is draining` : `Node on ${host} takes new work` });
      close();
      await done();
    },
  });
  return (
    <Confirm
      title={drains ? `Drain the node on ${host}?` : `Resume the node on ${host}?`}
      verb={drains ? 'Drain node' : 'Resume node'}
      harmless
      busy={change.isPending}
      confirm={() => change.mutate()}
      close={close}
    >
      {drains ? (
        <>
          <p>
            It gives up its leases, takes no new work, and is not ready for load balancers. Jobs that still run after 5
            minutes move to another node. Steps continue.
          </p>
          <Checkbox
            label="Drain it even if no other ready node does its work"
            checked={force}
            onChange={(event) => setForce(event.currentTarget.checked)}
          />
        </>
      ) : (
        <p>It takes new work, and is ready for load balancers again.</p>
      )}
      {change.error !== null && <ErrorNote error={change.error} />}
    </Confirm>
  );
}
