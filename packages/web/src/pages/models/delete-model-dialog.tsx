import type { DaisError } from '@dais/api';
import { deleteModelOperation, modelKind } from '@dais/api/registry';
import { useMutation } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { registryKey } from './use-registry.ts';
import { listAddress } from '#addresses.ts';
import { useClient } from '#server/console-context.ts';
import { ConfirmByName } from '#ui/confirm-by-name.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { toast } from '#ui/toast.ts';

export interface DeleteModelDialogProps {
  readonly project: string;
  readonly name: string;
  /** No version would be deleted with it. */
  readonly empty: boolean;
  readonly close: () => void;
}

export function DeleteModelDialog({ project, name, empty, close }: DeleteModelDialogProps) {
  const client = useClient(project);
  const navigate = useNavigate();
  const { mutate, isPending, error } = useMutation<unknown, DaisError>({
    mutationKey: registryKey(project, name),
    mutationFn: async () => await client.perform(deleteModelOperation, { name }),
    onSuccess: async () => {
      toast({ title: `${name} deleted` });
      await navigate(listAddress(modelKind, project));
    },
  });
  return (
    <ConfirmByName
      title={`Delete model ${name}?`}
      name={name}
      verb="Delete"
      busy={isPending}
      confirm={() => mutate()}
      close={close}
    >
      <p>
        {empty
          ? 'The model has no versions. This deletes the model and its revisions. You cannot undo this.'
          : 'This deletes all its versions, aliases and approvals. You cannot undo this. Artifacts that runs logged stay with the runs.'}
      </p>
      {error !== null && <ErrorNote error={error} />}
    </ConfirmByName>
  );
}
