import type { DaisError } from '@dais/api';
import { createExperimentOperation, type Experiment } from '@dais/api/tracking';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { NameDialog } from './name-dialog.tsx';
import { experimentsKey } from './use-experiments.ts';
import { experimentAddress } from '#addresses.ts';
import { useClient } from '#server/console-context.ts';

/** Asks for a name, and opens the new experiment. */
export function NewExperiment({ project, close }: { readonly project: string; readonly close: () => void }) {
  const client = useClient(project);
  const queries = useQueryClient();
  const navigate = useNavigate();
  const { mutate, isPending, error } = useMutation<Experiment, DaisError, string>({
    mutationFn: async (name) => await client.perform(createExperimentOperation, { name }),
    onSuccess: ({ id }) => {
      void queries.invalidateQueries({ queryKey: experimentsKey(project) });
      close();
      void navigate(experimentAddress(project, id));
    },
  });
  return (
    <NameDialog
      title="Create experiment"
      verb="Create"
      about="Unique in the project. Clients refer to the experiment by this name."
      busy={isPending}
      error={error}
      save={mutate}
      close={close}
    />
  );
}
