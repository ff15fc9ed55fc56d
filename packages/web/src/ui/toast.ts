import { notifications } from '@mantine/notifications';

export interface Toast {
  readonly title: string;
  readonly text?: string;
  readonly state?: 'ok' | 'failed' | 'waiting';
}

/** Shown at the edge of the screen for 5 s; a failure stays until it is closed. */
export function toast({ title, text, state = 'ok' }: Toast): void {
  notifications.show({
    title,
    ...(text !== undefined && { message: text }),
    message: text ?? '',
    autoClose: state === 'failed' ? false : 5000,
    classNames: { root: `toast-${state}` },
    withBorder: true,
    color: `var(--${state})`,
  });
}

/** A shortcut was pressed for a button that is disabled: shows the reason. */
export function showReason(why: string): void {
  toast({ title: 'The action is not possible', text: why, state: 'waiting' });
}
