import { Modal as Library } from '@mantine/core';
import type { ReactNode } from 'react';
import './modal.css';

export interface ModalProps {
  readonly opened: boolean;
  readonly onClose: () => void;
  readonly title: string;
  /** For dialogs with a visual title: the title is only for screen readers. */
  readonly bare?: boolean;
  /** The dialog closes only through its own actions. */
  readonly stays?: boolean;
  readonly size?: 'sm' | 'md' | 'lg' | 'xl' | number;
  readonly yOffset?: string;
  readonly children: ReactNode;
}

/** A dialog. Its head is not a `header` element: inside a dialog, that would be a second banner of the page. */
export function Modal(props: ModalProps) {
  const { opened, onClose, title, bare = false, stays = false, size = 'md', yOffset, children } = props;
  return (
    <Library.Root
      opened={opened}
      onClose={onClose}
      size={size}
      padding={bare ? 0 : 16}
      closeOnEscape={!stays}
      closeOnClickOutside={!stays}
      {...(yOffset !== undefined && { yOffset })}
    >
      <Library.Overlay backgroundOpacity={0.45} />
      <Library.Content>
        <Library.Body>
          <div className={bare ? 'out-of-sight' : 'dialog-head'}>
            <Library.Title>{title}</Library.Title>
            {!bare && !stays && <Library.CloseButton aria-label="Close" />}
          </div>
          {children}
        </Library.Body>
      </Library.Content>
    </Library.Root>
  );
}
