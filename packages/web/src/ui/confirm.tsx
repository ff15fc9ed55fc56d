import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import './confirm-by-name.css';
import { Modal } from './modal.tsx';

export interface ConfirmProps {
  readonly title: string;
  /** Label of the button: `Revoke`. */
  readonly verb: string;
  /** Consequence of the action. */
  readonly children: ReactNode;
  /** The action deletes nothing. */
  readonly harmless?: boolean;
  readonly busy: boolean;
  readonly confirm: () => void;
  readonly close: () => void;
}

/** Confirms an action that affects others but can be reverted. */
export function Confirm({ title, verb, children, harmless = false, busy, confirm, close }: ConfirmProps) {
  return (
    <Modal opened onClose={close} title={title}>
      <div className="confirm">
        {children}
        <div className="confirm-end">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button {...(!harmless && { color: 'red' })} loading={busy} onClick={confirm} data-autofocus>
            {verb}
          </Button>
        </div>
      </div>
    </Modal>
  );
}
