import { createExperimentOperation, type DaisError, type Experiment } from '@dais/api';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { experimentsKey } from './use-experiments.ts';
import { experimentAddress } from '#addresses.ts';
import { useClient } from '#server/console-context.ts';
import { Button, Modal, TextInput } from '#ui/controls.ts';
import { ErrorNote } from '#ui/error-note.tsx';

/** Asks for a name, and leads to what was made. */
export function NewExperiment({ project, close }: { readonly project: string; readonly close: () => void }) {
  const client = useClient(project);
  const queries = useQueryClient();
  const navigate = useNavigate();
  const [name, setName] = useState('');
  const { mutate, isPending, error } = useMutation<Experiment, DaisError>({
    mutationFn: async () => await client.perform(createExperimentOperation, { name: name.trim() }),
    onSuccess: ({ id }) => {
      void queries.invalidateQueries({ queryKey: experimentsKey(project) });
      close();
      void navigate(experimentAddress(project, id));
    },
  });
  return (
    <Modal opened onClose={close} title="Create experiment">
      <form
        className="experiment-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim() !== '') mutate();
        }}
      >
        <TextInput
          label="Name"
          description="Unique in the project: clients name it by this."
          value={name}
          maxLength={500}
          data-autofocus
          onChange={(event) => setName(event.currentTarget.value)}
        />
        {error !== null && <ErrorNote error={error} />}
        <div className="experiment-form-end">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button type="submit" loading={isPending} disabled={name.trim() === ''}>
            Create
          </Button>
        </div>
      </form>
    </Modal>
  );
}
