import { UNREAD_COUNTED, type Mention } from '@dais/api/tracking';
import { Link, useNavigate } from '@tanstack/react-router';
import { useMentions } from './use-mentions.ts';
import { runAddress, versionAddress } from '#addresses.ts';
import { curlCommand } from '#kinds/curl-command.ts';
import { ReferenceLink } from '#kinds/reference-link.tsx';
import { ActorName } from '#pages/people/actor-name.tsx';
import { useAddressQuery } from '#server/address-fields.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { useSession } from '#server/session.ts';
import { MarkdownText } from '#ui/comments/markdown-text.tsx';
import { Button, Checkbox } from '#ui/controls.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { Panel } from '#ui/panel.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';
import '#ui/comments/comments.css';
import './mentions.css';

/** Comments that mention the viewer. */
export function MentionsPage() {
  const project = useCurrentProject();
  const navigate = useNavigate();
  const accounts = useSession()?.mode === 'accounts';
  const only = useAddressQuery()['unread'] === 'yes';
  const { mentions, unread, more, loadMore, loading, error, again, markRead, marking } = useMentions(project, only);
  const server = document.baseURI.replace(/\/$/, '');
  const curl = curlCommand({ server, accounts, project, path: '/api/v1/comments/mentions' });
  return (
    <div className="page">
      <PageHead
        title="Mentions"
        under="Comments on runs and model versions that mention you with @ and your user name."
        actions={
          <>
            <CopyAs
              forms={[
                { title: 'curl command', preview: curl, text: () => curl },
                { title: 'Link to this page', text: () => location.href },
              ]}
            />
            <GuardedButton
              why={unread === 0 ? 'You have no unread mentions.' : undefined}
              loading={marking}
              onClick={markRead}
            >
              Mark all as read
            </GuardedButton>
          </>
        }
      />
      {error !== null && <ErrorNote error={error} retry={again} />}
      <div className="mentions-summary">
        <span role="status">{unreadWords(unread)}</span>
        <Checkbox
          size="xs"
          label="Unread only"
          checked={only}
          onChange={({ currentTarget }) =>
            void navigate({ to: '.', search: currentTarget.checked ? { unread: 'yes' } : {}, replace: true })
          }
        />
      </div>
      {mentions === undefined && error === null && <Skeleton rows={6} />}
      {mentions?.length === 0 && (
        <EmptyState
          sentence={
            accounts
              ? only
                ? 'No unread mentions.'
                : 'No mentions yet. Comments that mention you are listed here.'
              : 'This server has one owner and no user accounts, so nobody can mention you.'
          }
        />
      )}
      {mentions !== undefined && mentions.length > 0 && (
        <Panel title="Newest first">
          <ol className="comment-list mention-list">
            {mentions.map((mention) => (
              <li key={mention.comment.id}>
                <OneMention project={project} mention={mention} />
              </li>
            ))}
          </ol>
          {more && (
            <Button variant="default" loading={loading} onClick={loadMore}>
              Show older mentions
            </Button>
          )}
        </Panel>
      )}
    </div>
  );
}

function unreadWords(unread: number): string {
  if (unread === 0) return 'No unread mentions';
  return `${unread}${unread >= UNREAD_COUNTED ? '+' : ''} unread`;
}

function OneMention({ project, mention }: { readonly project: string; readonly mention: Mention }) {
  const { about, comment, read } = mention;
  const address =
    about.kind === 'Run'
      ? { ...runAddress(project, about.name), search: { tab: 'comments' } }
      : versionAddress(project, about.name, about.version ?? 0);
  return (
    <>
      <div className="comment-head">
        {!read && <StateBadge state="waiting" word="unread" />}
        <ActorName actor={comment.author} project={project} /> on{' '}
        <Link {...address}>{about.kind === 'Run' ? `run ${about.title}` : about.title}</Link>
        <span className="dim">
          <Time at={new Date(comment.createdAt).toISOString()} />
        </span>
      </div>
      <MarkdownText
        text={comment.text}
        mentions={comment.mentions}
        user={(name) => <ReferenceLink kind="User" name={name} project={project} />}
      />
    </>
  );
}
