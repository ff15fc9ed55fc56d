import { Modal as Library } from '@mantine/core';
import type { ReactNode } from 'react';
import './modal.css';

export interface ModalProps {
  readonly opened: boolean;
  readonly onClose: () => void;
  readonly title: string;
  /** For dialogs whose look says what they are: the title is only heard. */
  readonly bare?: boolean;
  /** It goes only by what is done in it. */
  readonly stays?: boolean;
  readonly size?: 'sm' | 'md' | 'lg' | 'xl' | number;
  readonly yOffset?: string;
  readonly children: ReactNode;
}

/** A dialog. Its head is no `header`: inside a dialog, that would be a second banner of the page. */
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
