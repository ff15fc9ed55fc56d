import type { ReactNode } from 'react';
import { CopyButton } from './copy-button.tsx';
import './notes.css';

export interface EmptyStateProps {
  /** Text of the empty list. */
  readonly sentence: string;
  /** The shortest command that creates an entry. */
  readonly command?: string;
  /** A complete valid manifest. */
  readonly example?: string;
  readonly children?: ReactNode;
}

export function EmptyState({ sentence, command, example, children }: EmptyStateProps) {
  return (
    <div className="empty">
      <p>{sentence}</p>
      {command !== undefined && <Block text={command} label="Copy command" />}
      {example !== undefined && <Block text={example} label="Copy manifest" />}
      {children}
    </div>
  );
}

function Block({ text, label }: { readonly text: string; readonly label: string }) {
  return (
    <div className="empty-block">
      <pre tabIndex={0}>{text.trimEnd()}</pre>
      <CopyButton text={text} label={label} />
    </div>
  );
}
