import { DaisError, errorCatalog, hasCatalogRemedy } from '@dais/api';
import type { ReactNode } from 'react';
import { Button } from '@mantine/core';
import { StateBadge } from './state-badge.tsx';
import { withCode } from './with-code.tsx';
import './notes.css';

export interface ErrorNoteProps {
  readonly error: unknown;
  readonly retry?: () => void;
  /** Additional content: links to the referencing objects, or to the current version. */
  readonly children?: ReactNode;
}

/** An error with the texts of the catalog: what happened, what to do, and the request id. */
export function ErrorNote({ error, retry, children }: ErrorNoteProps) {
  const reported = error instanceof DaisError ? error : undefined;
  const entry = reported === undefined ? undefined : errorCatalog[reported.code];
  return (
    <div className="note note-failed" role="alert">
      <StateBadge state="failed" word={entry?.title ?? 'Unexpected error in the console'} />
      <p>{withCode(reported?.message ?? (error instanceof Error ? error.message : String(error)))}</p>
      {reported?.issues !== undefined && reported.issues.length > 0 && (
        <ul>
          {reported.issues.slice(0, 20).map((issue) => (
            <li key={`${issue.path} ${issue.line} ${issue.message}`}>
              {issue.line !== undefined && <span className="dim">line {issue.line} </span>}
              {issue.path !== undefined && <code>{issue.path}</code>} {issue.message}
              {issue.expected !== undefined && <span className="dim">; expected {issue.expected}</span>}
              {issue.nearest !== undefined && (
                <>
                  ; did you mean <code>{issue.nearest}</code>?
                </>
              )}
            </li>
          ))}
        </ul>
      )}
      {children}
      <p className="dim">
        {/* The message of a denial names a contact; other messages name the remedy where nothing is listed. */}
        {reported?.code !== 'forbidden' &&
          (reported === undefined || hasCatalogRemedy(reported)) &&
          withCode(entry?.remedy ?? 'Reload the page. If the error repeats, report it with the steps that led to it.')}
        {reported?.requestId !== undefined && (
          <>
            {' '}
            Request ID <code>{reported.requestId}</code>.
          </>
        )}
      </p>
      {retry !== undefined && (
        <Button variant="default" onClick={retry}>
          Retry
        </Button>
      )}
    </div>
  );
}
