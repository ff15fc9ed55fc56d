import type { ReactNode } from 'react';
import { CopyButton } from './copy-button.tsx';
import './notes.css';

export interface EmptyStateProps {
  /** What would be here. */
  readonly sentence: string;
  /** The shortest command that makes one. */
  readonly command?: string;
  /** A manifest that is valid as it stands. */
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
