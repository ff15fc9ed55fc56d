import type { DaisError } from '@dais/api';
import {
  deleteExperimentOperation,
  restoreExperimentOperation,
  updateExperimentOperation,
  type Experiment,
} from '@dais/api/tracking';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { NameDialog } from './name-dialog.tsx';
import { experimentsKey } from './use-experiments.ts';
import { useClient } from '#server/console-context.ts';
import { useWhyNotDo } from '#server/use-why-not-do.ts';
import { Confirm } from '#ui/confirm.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { toast } from '#ui/toast.ts';

export const experimentKey = (project: string, id: string | undefined) => ['experiment', project, id];

export interface ExperimentActionsProps {
  readonly project: string;
  readonly experiment: Experiment;
  /** The runs are deleted or restored with it. */
  readonly moved: () => void;
}

/** Renames, deletes or restores an experiment. */
export function ExperimentActions({ project, experiment, moved }: ExperimentActionsProps) {
  const { id, name, lifecycle } = experiment;
  const client = useClient(project);
  const queries = useQueryClient();
  const [dialog, setDialog] = useState<'name' | 'delete'>();
  const why = useWhyNotDo(project, 'Experiment', ['experiment:update', 'experiment:delete']);
  const done = async () => {
    setDialog(undefined);
    await queries.invalidateQueries({ queryKey: experimentKey(project, id) });
    await queries.invalidateQueries({ queryKey: experimentsKey(project) });
  };
  const rename = useMutation<unknown, DaisError, string>({
    mutationFn: async (next) => await client.perform(updateExperimentOperation, { id, name: next }),
    onSuccess: done,
  });
  const remove = useMutation<unknown, DaisError>({
    mutationFn: async () => await client.perform(deleteExperimentOperation, { id }),
    onSuccess: async () => {
      toast({ title: `${name} deleted`, text: 'Use Restore on this page to restore it with its runs.' });
      await done();
      moved();
    },
  });
  const restore = useMutation<unknown, DaisError>({
    mutationFn: async () => await client.perform(restoreExperimentOperation, { id }),
    onSuccess: async () => {
      toast({ title: `${name} restored with its runs` });
      await done();
      moved();
    },
    onError: (error) => toast({ title: `${name} was not restored`, text: error.message, state: 'failed' }),
  });
  if (lifecycle === 'deleted') {
    return (
      <GuardedButton why={why('experiment:delete')} loading={restore.isPending} onClick={() => restore.mutate()}>
        Restore experiment
      </GuardedButton>
    );
  }
  return (
    <>
      <GuardedButton variant="default" why={why('experiment:update')} onClick={() => setDialog('name')}>
        Rename experiment
      </GuardedButton>
      <GuardedButton variant="default" why={why('experiment:delete')} onClick={() => setDialog('delete')}>
        Delete experiment
      </GuardedButton>
      {dialog === 'name' && (
        <NameDialog
          title={`Rename ${name}`}
          verb="Rename experiment"
          about="Programs that use the old name create a new experiment. The ID and the runs stay."
          before={name}
          busy={rename.isPending}
          error={rename.error}
          save={rename.mutate}
          close={() => setDialog(undefined)}
        />
      )}
      {dialog === 'delete' && (
        <Confirm
          title={`Delete ${name}?`}
          verb="Delete"
          busy={remove.isPending}
          confirm={() => remove.mutate()}
          close={() => setDialog(undefined)}
        >
          <p>
            This deletes its runs and logged models too. You can restore all of them until garbage collection removes
            them. Until then the name stays taken.
          </p>
          {remove.error !== null && <ErrorNote error={remove.error} />}
        </Confirm>
      )}
    </>
  );
}
