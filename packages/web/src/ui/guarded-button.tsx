import { Button, Tooltip, type ButtonProps } from '@mantine/core';
import { useId, type ReactElement } from 'react';

export interface GuardedButtonProps extends ButtonProps {
  /** Why the action is unavailable, and the remedy. Undefined: it is available. */
  readonly why: string | undefined;
  /** The action, while it is available. */
  readonly hint?: string;
  readonly onClick?: () => void;
  /** Link target, while the link is available. */
  readonly link?: (props: object) => ReactElement;
}

/** A button that explains why it is disabled: on hover, on keyboard focus and to a screen reader. */
export function GuardedButton({ why, hint, onClick, link, ...style }: GuardedButtonProps) {
  const id = useId();
  const label = why ?? hint;
  const state =
    why === undefined
      ? { onClick, ...(link !== undefined && { renderRoot: link }) }
      : // The button keeps the focus, so that the reason is reachable.
        { 'data-disabled': true, 'aria-disabled': true, 'aria-describedby': id };
  return (
    <>
      <Tooltip
        label={label ?? ''}
        disabled={label === undefined}
        multiline
        maw={360}
        // Rendered outside the page, it would belong to no landmark.
        withinPortal={false}
        events={{ hover: true, focus: true, touch: true }}
      >
        <Button {...style} {...state} />
      </Tooltip>
      {why !== undefined && (
        <span id={id} className="out-of-sight">
          {why}
        </span>
      )}
    </>
  );
}
