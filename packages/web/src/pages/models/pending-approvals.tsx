import type { Approval } from '@dais/api/registry';
import { Link } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import { inOrder, missingWords, moveWords, waitsFor } from './approval-words.ts';
import { useOnlooker } from './use-onlooker.ts';
import { versionAddress } from '#addresses.ts';
import { ActorName } from '#pages/people/actor-name.tsx';
import { Button } from '#ui/controls.ts';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';

const DecideDialog = lazy(async () => ({ default: (await import('./decide-dialog.tsx')).DecideDialog }));

export interface PendingApprovalsProps {
  readonly project: string;
  readonly approvals: readonly Approval[];
}

/** Pending approvals; renders nothing without any. */
export function PendingApprovals({ project, approvals }: PendingApprovalsProps) {
  const who = useOnlooker(project);
  const [chosen, setChosen] = useState<Approval>();
  if (approvals.length === 0) return null;
  const own = who === undefined ? 0 : approvals.filter((one) => waitsFor(one, who)).length;
  return (
    <Panel title={own === 0 ? 'Pending approvals' : `Pending approvals, ${own} for you`} flush>
      <PlainTable
        label="Approval requests"
        rows={inOrder(approvals, who)}
        keyOf={({ model, number }) => `${model} ${number}`}
        columns={[
          {
            title: 'Change',
            cell: ({ model, version, ...move }) => (
              <>
                <Link {...versionAddress(project, model, version)}>
                  {model} {version}
                </Link>{' '}
                → {moveWords(move)}
              </>
            ),
          },
          {
            title: 'Waiting for',
            cell: (approval) => (
              <StateBadge
                state={who !== undefined && waitsFor(approval, who) ? 'warning' : 'waiting'}
                word={who !== undefined && waitsFor(approval, who) ? 'You' : missingWords(approval.missing)}
                why={missingWords(approval.missing)}
              />
            ),
          },
          { title: 'Requested by', cell: ({ requestedBy }) => <ActorName actor={requestedBy} project={project} /> },
          { title: 'Reason', cell: ({ reason }) => reason },
          {
            title: 'Since',
            narrow: true,
            cell: ({ requestedAt }) => <Time at={new Date(requestedAt).toISOString()} />,
          },
          {
            title: '',
            narrow: true,
            cell: (approval) => (
              <Button size="compact-xs" variant="default" onClick={() => setChosen(approval)}>
                Review
              </Button>
            ),
          },
        ]}
      />
      {chosen !== undefined && (
        <Suspense>
          <DecideDialog project={project} approval={chosen} close={() => setChosen(undefined)} />
        </Suspense>
      )}
    </Panel>
  );
}
