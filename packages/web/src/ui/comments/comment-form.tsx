import { COMMENT_LENGTH } from '@dais/api/tracking';
import { Button, Textarea } from '@mantine/core';
import { useState } from 'react';
import { ErrorNote } from '../error-note.tsx';

export interface CommentFormProps {
  readonly label: string;
  readonly verb: string;
  /** Initial text. */
  readonly text?: string;
  readonly send: (text: string) => Promise<unknown>;
  readonly cancel?: () => void;
}

/** A Markdown editor; Ctrl+Enter sends the text. */
export function CommentForm({ label, verb, text = '', send, cancel }: CommentFormProps) {
  const [draft, setDraft] = useState(text);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const empty = draft.trim() === '';
  const submit = () => {
    if (empty || busy) return;
    setBusy(true);
    setError(undefined);
    send(draft).then(
      () => {
        setBusy(false);
        setDraft('');
      },
      (reason: unknown) => {
        setBusy(false);
        setError(reason);
      },
    );
  };
  return (
    <form
      className="comment-form"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <Textarea
        label={label}
        description="Supports Markdown. @name mentions a user."
        value={draft}
        maxLength={COMMENT_LENGTH}
        autosize
        minRows={2}
        maxRows={16}
        onChange={(event) => setDraft(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
          event.preventDefault();
          submit();
        }}
      />
      {error !== undefined && <ErrorNote error={error} />}
      <div className="comment-form-end">
        {cancel !== undefined && (
          <Button variant="default" onClick={cancel}>
            Cancel
          </Button>
        )}
        <Button type="submit" disabled={empty} loading={busy}>
          {verb}
        </Button>
      </div>
    </form>
  );
}
