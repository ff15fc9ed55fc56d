import type { DaisError } from '@dais/api';
import { useState } from 'react';
import { Button, Modal, TextInput } from '#ui/controls.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import './experiments.css';

export interface NameDialogProps {
  readonly title: string;
  readonly verb: string;
  readonly about: string;
  /** The current name. */
  readonly before?: string;
  readonly busy: boolean;
  readonly error: DaisError | null;
  readonly save: (name: string) => void;
  readonly close: () => void;
}

/** Asks for the name of an experiment. */
export function NameDialog({ title, verb, about, before = '', busy, error, save, close }: NameDialogProps) {
  const [name, setName] = useState(before);
  const trimmed = name.trim();
  const can = trimmed !== '' && trimmed !== before;
  return (
    <Modal opened onClose={close} title={title}>
      <form
        className="experiment-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (can) save(trimmed);
        }}
      >
        <TextInput
          label="Name"
          description={about}
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
          <Button type="submit" loading={busy} disabled={!can}>
            {verb}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
