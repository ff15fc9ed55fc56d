import { Link } from '@tanstack/react-router';
import { firstLines } from './first-lines.ts';
import { accountAddress } from '#addresses.ts';
import { useSession } from '#server/session.ts';
import { EmptyState } from '#ui/empty-state.tsx';

export interface FirstRunNoteProps {
  readonly sentence: string;
  readonly project: string;
  readonly experiment?: string | undefined;
}

/** Replaces an empty list of runs: the lines that create the first one. */
export function FirstRunNote({ sentence, project, experiment }: FirstRunNoteProps) {
  const accounts = useSession()?.mode === 'accounts';
  const server = document.baseURI.replace(/\/$/, '');
  return (
    <EmptyState sentence={sentence} command={firstLines({ server, project, accounts, experiment })}>
      Set these variables in a shell. Training code that logs with MLflow needs no change.{' '}
      {accounts && <Link {...accountAddress('tokens')}>Create a token</Link>}
    </EmptyState>
  );
}
