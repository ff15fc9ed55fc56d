import type { DaisError, KindSpec, Resource } from '@dais/api';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { singular } from './kind-words.ts';
import { ReferenceLink } from './reference-link.tsx';
import { listAddress } from '#addresses.ts';
import { useClient } from '#server/console-context.ts';
import { forgetRights } from '#server/own-access.ts';
import { ConfirmByName } from '#ui/confirm-by-name.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { toast } from '#ui/toast.ts';

export interface DeleteDialogProps {
  readonly kind: KindSpec;
  readonly project: string;
  readonly name: string;
  readonly close: () => void;
}

export function DeleteDialog({ kind, project, name, close }: DeleteDialogProps) {
  const client = useClient(kind.scope === 'org' ? undefined : project);
  const navigate = useNavigate();
  const queries = useQueryClient();
  const { mutate, isPending, error } = useMutation<Resource, DaisError>({
    mutationFn: async () => await client.delete(kind.kind, name),
    onSuccess: ({ metadata }) => {
      forgetRights(queries);
      const waits = metadata.deletionRequestedAt !== undefined;
      toast(
        waits
          ? { title: `${name} is being deleted`, text: 'Deletion waits for finalizers.', state: 'waiting' }
          : { title: `${name} deleted` },
      );
      close();
      if (!waits) void navigate(listAddress(kind, project));
    },
  });
  const holders = error?.holders ?? [];
  return (
    <ConfirmByName
      title={`Delete ${singular(kind)} ${name}?`}
      name={name}
      verb="Delete"
      busy={isPending}
      confirm={() => mutate()}
      close={close}
    >
      <p>
        This deletes the {singular(kind)} and all its revisions. You cannot undo this. Deletion is refused while other
        resources refer to it.
      </p>
      {error !== null && (
        <ErrorNote error={error}>
          {holders.length > 0 && (
            <ul>
              {holders.map((holder) => {
                const [word = '', ...rest] = holder.split('/');
                return (
                  <li key={holder}>
                    {word} <ReferenceLink kind={word} name={rest.join('/')} project={project} />
                  </li>
                );
              })}
            </ul>
          )}
        </ErrorNote>
      )}
    </ConfirmByName>
  );
}
