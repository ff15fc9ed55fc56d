import type { Approval } from '@dais/api/registry';
import { Link } from '@tanstack/react-router';
import { ApprovalStory } from './approval-story.tsx';
import { APPROVAL_STATES, missingWords, moveWords } from './approval-words.ts';
import { versionAddress } from '#addresses.ts';
import { EmptyState } from '#ui/empty-state.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { StateBadge } from '#ui/state-badge.tsx';

export interface ApprovalsTabProps {
  readonly project: string;
  readonly approvals: readonly Approval[];
}

/** All approval requests, newest first: requester, time, reason. */
export function ApprovalsTab({ project, approvals }: ApprovalsTabProps) {
  if (approvals.length === 0) {
    return (
      <EmptyState sentence="No approval requests yet.">
        Approval rules in the manifest define who must approve. See{' '}
        <a href="docs/guide/approve-a-model" target="_blank" rel="noreferrer">
          the guide
        </a>
        .
      </EmptyState>
    );
  }
  return (
    <Panel title="Newest first" flush>
      <PlainTable
        label="Approvals"
        rows={approvals}
        keyOf={({ number }) => number}
        columns={[
          {
            title: 'Change',
            cell: ({ model, version, ...move }) => (
              <>
                <Link {...versionAddress(project, model, version)}>version {version}</Link> → {moveWords(move)}
              </>
            ),
          },
          {
            title: 'State',
            narrow: true,
            cell: ({ state, missing }) => (
              <StateBadge
                {...APPROVAL_STATES[state]}
                why={missing.length === 0 ? undefined : `By ${missingWords(missing)}`}
              />
            ),
          },
          { title: 'History', cell: (approval) => <ApprovalStory approval={approval} project={project} /> },
        ]}
      />
    </Panel>
  );
}
