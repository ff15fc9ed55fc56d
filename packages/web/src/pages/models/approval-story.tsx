import type { Approval } from '@dais/api/registry';
import { APPROVAL_STATES } from './approval-words.ts';
import { ActorName } from '#pages/people/actor-name.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';

export interface ApprovalStoryProps {
  readonly approval: Approval;
  readonly project: string;
}

/** The request and the decisions of an approval, with names, times and reasons. */
export function ApprovalStory({ approval, project }: ApprovalStoryProps) {
  const { requestedBy, requestedAt, reason, decisions, state } = approval;
  return (
    <ol className="approval-story">
      <li>
        <StateBadge state="waiting" word="Requested" /> <ActorName actor={requestedBy} project={project} />{' '}
        <At ms={requestedAt} />
        <Reason text={reason} />
      </li>
      {decisions.map(({ by, at, decision, reason: why, teams }) => (
        <li key={`${by.type} ${by.id} ${at}`}>
          <StateBadge
            state={decision === 'approve' ? 'ok' : 'failed'}
            word={decision === 'approve' ? 'Approved' : 'Rejected'}
          />{' '}
          <ActorName actor={by} project={project} />
          {teams.length > 0 && <span className="dim"> for {teams.join(', ')}</span>} <At ms={at} />
          <Reason text={why} />
        </li>
      ))}
      {state === 'withdrawn' && (
        <li>
          <StateBadge {...APPROVAL_STATES.withdrawn} />
        </li>
      )}
    </ol>
  );
}

function At({ ms }: { readonly ms: number }) {
  return (
    <span className="dim">
      <Time at={new Date(ms).toISOString()} />
    </span>
  );
}

function Reason({ text }: { readonly text: string }) {
  return text === '' ? null : <blockquote>{text}</blockquote>;
}
