import { Button, Modal } from '@mantine/core';
import type { ReactNode } from 'react';
import './confirm-by-name.css';

export interface ConfirmProps {
  readonly title: string;
  /** What the button does: `Revoke`. */
  readonly verb: string;
  /** What goes. */
  readonly children: ReactNode;
  /** Nothing goes by it. */
  readonly harmless?: boolean;
  readonly busy: boolean;
  readonly confirm: () => void;
  readonly close: () => void;
}

/** Before something that others notice, but that can be made anew. */
export function Confirm({ title, verb, children, harmless = false, busy, confirm, close }: ConfirmProps) {
  return (
    <Modal opened onClose={close} title={title}>
      <div className="confirm">
        {children}
        <div className="confirm-end">
          <Button variant="default" onClick={close}>
            {harmless ? 'Cancel' : 'Cancel'}
          </Button>
          <Button {...(!harmless && { color: 'red' })} loading={busy} onClick={confirm} data-autofocus>
            {verb}
          </Button>
        </div>
      </div>
    </Modal>
  );
}
