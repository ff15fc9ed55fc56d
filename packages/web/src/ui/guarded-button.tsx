import { Button, Tooltip, type ButtonProps } from '@mantine/core';
import { useId, type ReactElement } from 'react';

export interface GuardedButtonProps extends ButtonProps {
  /** Why it cannot be done, and what would allow it. Undefined: it can. */
  readonly why: string | undefined;
  /** What it does, while it can. */
  readonly hint?: string;
  readonly onClick?: () => void;
  /** Made a link by this, while it can be followed. */
  readonly link?: (props: object) => ReactElement;
}

/** A button that says why it does nothing: under the pointer, to the keyboard and to a screen reader. */
export function GuardedButton({ why, hint, onClick, link, ...look }: GuardedButtonProps) {
  const id = useId();
  const label = why ?? hint;
  const state =
    why === undefined
      ? { onClick, ...(link !== undefined && { renderRoot: link }) }
      : // It keeps the focus, so that the reason can be reached.
        { 'data-disabled': true, 'aria-disabled': true, 'aria-describedby': id };
  return (
    <>
      <Tooltip
        label={label ?? ''}
        disabled={label === undefined}
        multiline
        maw={360}
        // Beside the page it would belong to no landmark.
        withinPortal={false}
        events={{ hover: true, focus: true, touch: true }}
      >
        <Button {...look} {...state} />
      </Tooltip>
      {why !== undefined && (
        <span id={id} className="out-of-sight">
          {why}
        </span>
      )}
    </>
  );
}
