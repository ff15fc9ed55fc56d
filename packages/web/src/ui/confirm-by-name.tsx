import { Button, TextInput } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { Modal } from './modal.tsx';
import './confirm-by-name.css';

export interface ConfirmByNameProps {
  readonly title: string;
  /** The text to type. */
  readonly name: string;
  /** Label of the button: `Delete`. */
  readonly verb: string;
  /** What is deleted, and that it cannot be restored. */
  readonly children: ReactNode;
  readonly busy: boolean;
  readonly confirm: () => void;
  readonly close: () => void;
}

/** Confirms an action that cannot be undone. */
export function ConfirmByName({ title, name, verb, children, busy, confirm, close }: ConfirmByNameProps) {
  const [typed, setTyped] = useState('');
  const same = typed === name;
  return (
    <Modal opened onClose={close} title={title} size="lg">
      <form
        className="confirm"
        onSubmit={(event) => {
          event.preventDefault();
          if (same) confirm();
        }}
      >
        {children}
        <TextInput
          data-autofocus
          label={
            <>
              Type <code>{name}</code> to confirm
            </>
          }
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          autoComplete="off"
        />
        <div className="confirm-end">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button
            type="submit"
            color="red"
            disabled={!same}
            loading={busy}
            title={same ? undefined : 'Type the name first'}
          >
            {verb}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
