import { Fragment, type ReactNode } from 'react';

/** A text whose words in backticks are code. */
export function withCode(text: string): ReactNode {
  return text.split('`').map((part, at) =>
    // The parts of one text never change their order.
    at % 2 === 1 ? <code key={`${at}`}>{part}</code> : <Fragment key={`${at}`}>{part}</Fragment>,
  );
}
