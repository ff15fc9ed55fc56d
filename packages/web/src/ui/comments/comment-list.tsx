import type { Comment } from '@dais/api/tracking';
import { useState, type ReactNode } from 'react';
import { CommentForm } from './comment-form.tsx';
import { MarkdownText } from './markdown-text.tsx';
import { Button } from '@mantine/core';
import { Confirm } from '../confirm.tsx';
import { ErrorNote } from '../error-note.tsx';
import { Time } from '../time.tsx';
import './comments.css';

export interface CommentListProps {
  /** Oldest first. */
  readonly comments: readonly Comment[];
  /** `user:ada`: the viewer, who can change their own comments; undefined while it is unknown. */
  readonly self: string | undefined;
  /** Why the viewer cannot comment; undefined: they can. */
  readonly whyNot: string | undefined;
  /** The viewer may delete comments of others. */
  readonly moderates: boolean;
  /** Renders authors and mentioned users. */
  readonly author: (author: Comment['author']) => ReactNode;
  readonly user: (name: string) => ReactNode;
  /** Each resolves when it is done, and rejects with the error. */
  readonly create: (text: string) => Promise<unknown>;
  readonly change: (id: string, text: string) => Promise<unknown>;
  /** `own`: the author is the viewer. */
  readonly remove: (id: string, own: boolean) => Promise<unknown>;
}

/** Comments with a form for new ones. */
export function CommentList(props: CommentListProps) {
  const { comments, self, whyNot, create } = props;
  const [gone, setGone] = useState<Comment>();
  return (
    <div className="comments">
      {comments.length === 0 && <p className="dim">No comments yet.</p>}
      {comments.length > 0 && (
        <ol className="comment-list">
          {comments.map((comment) => (
            <OneComment
              key={comment.id}
              {...props}
              comment={comment}
              own={keyOf(comment) === self}
              takeAway={() => setGone(comment)}
            />
          ))}
        </ol>
      )}
      {whyNot === undefined ? (
        <CommentForm label="Add a comment" verb="Comment" send={create} />
      ) : (
        <p className="dim">{whyNot}</p>
      )}
      {gone !== undefined && (
        <Removal
          own={keyOf(gone) === self}
          remove={async () => await props.remove(gone.id, keyOf(gone) === self)}
          close={() => setGone(undefined)}
        />
      )}
    </div>
  );
}

function keyOf({ author: { type, id } }: Comment): string {
  return `${type}:${id}`;
}

interface OneCommentProps extends CommentListProps {
  readonly comment: Comment;
  readonly own: boolean;
  readonly takeAway: () => void;
}

function OneComment({ comment, own, moderates, author, user, change, takeAway }: OneCommentProps) {
  const [editing, setEditing] = useState(false);
  const { id, text, mentions, createdAt, editedAt } = comment;
  return (
    <li>
      <div className="comment-head">
        {author(comment.author)}{' '}
        <span className="dim">
          <Time at={new Date(createdAt).toISOString()} />
          {editedAt !== undefined && (
            <>
              , edited <Time at={new Date(editedAt).toISOString()} />
            </>
          )}
        </span>
        <span className="comment-verbs">
          {own && !editing && (
            <Button size="compact-xs" variant="subtle" onClick={() => setEditing(true)}>
              Edit
            </Button>
          )}
          {(own || moderates) && (
            <Button size="compact-xs" variant="subtle" color="red" onClick={takeAway}>
              {own ? 'Delete' : 'Delete'}
            </Button>
          )}
        </span>
      </div>
      {editing ? (
        <CommentForm
          label="Edit comment"
          verb="Save"
          text={text}
          send={async (next) => {
            await change(id, next);
            setEditing(false);
          }}
          cancel={() => setEditing(false)}
        />
      ) : (
        <MarkdownText text={text} mentions={mentions} user={user} />
      )}
    </li>
  );
}

interface RemovalProps {
  readonly own: boolean;
  readonly remove: () => Promise<unknown>;
  readonly close: () => void;
}

function Removal({ own, remove, close }: RemovalProps) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const confirm = () => {
    setBusy(true);
    remove().then(close, (reason: unknown) => {
      setBusy(false);
      setError(reason);
    });
  };
  return (
    <Confirm
      title={own ? 'Delete your comment?' : 'Delete this comment?'}
      verb={own ? 'Delete' : 'Delete'}
      busy={busy}
      confirm={confirm}
      close={close}
    >
      <p>The text is deleted permanently. The audit log records the deletion, not the text.</p>
      {error !== undefined && <ErrorNote error={error} />}
    </Confirm>
  );
}
