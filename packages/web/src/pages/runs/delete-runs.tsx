import type { DaisError } from '@dais/api';
import { deleteRunOperation, restoreRunOperation } from '@dais/api/tracking';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useClient } from '#server/console-context.ts';
import { useWhyNotDo } from '#server/use-why-not-do.ts';
import { Confirm } from '#ui/confirm.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { toast } from '#ui/toast.ts';

export interface DeleteRunsProps {
  readonly project: string;
  /** Ids. */
  readonly runs: readonly string[];
  /** The runs are deleted: the action restores them. */
  readonly restore: boolean;
  readonly done: () => void;
}

/** Deletes or restores runs. */
export function DeleteRuns({ project, runs, restore, done }: DeleteRunsProps) {
  const client = useClient(project);
  const [isOpen, setOpen] = useState(false);
  const why = useWhyNotDo(project, 'Run', ['run:delete'])('run:delete');
  const { mutate, isPending, error } = useMutation<void, DaisError>({
    mutationFn: async () => {
      for (const id of runs) {
        // oxlint-disable-next-line no-await-in-loop -- a hundred parallel requests would be a burst without benefit
        await client.perform(restore ? restoreRunOperation : deleteRunOperation, { id });
      }
    },
    onSuccess: () => {
      setOpen(false);
      toast({ title: `${counted(runs.length)} ${restore ? 'restored' : 'deleted'}` });
      done();
    },
  });
  if (restore) {
    return (
      <GuardedButton variant="default" why={why} loading={isPending} onClick={() => mutate()}>
        Restore
      </GuardedButton>
    );
  }
  return (
    <>
      <GuardedButton variant="default" why={why} onClick={() => setOpen(true)}>
        Delete
      </GuardedButton>
      {isOpen && (
        <Confirm
          title={`Delete ${counted(runs.length)}?`}
          verb="Delete"
          busy={isPending}
          confirm={() => mutate()}
          close={() => setOpen(false)}
        >
          <p>You can restore the runs and their data until garbage collection removes them.</p>
          {error !== null && <ErrorNote error={error} />}
        </Confirm>
      )}
    </>
  );
}

function counted(runs: number): string {
  return runs === 1 ? '1 run' : `${runs.toLocaleString('en')} runs`;
}
