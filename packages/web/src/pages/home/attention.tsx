import type { KindSpec, Resource } from '@dais/api';
import type { Approval } from '@dais/api/registry';
import type { MonitorAlert } from '@dais/api/monitoring';
import { Link } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import { byNeed, endpointNeeds, resourceNeeds, type Need } from './needs.ts';
import { RunningPanel } from './running-panel.tsx';
import { useAttention } from './use-needs.ts';
import { useServerInfo } from '#server/session.ts';
import { Button } from '#ui/controls.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';

const AcknowledgeDialog = lazy(async () => ({
  default: (await import('#pages/monitors/alerts-panel.tsx')).AcknowledgeDialog,
}));
const DecideDialog = lazy(async () => ({ default: (await import('#pages/models/decide-dialog.tsx')).DecideDialog }));

/** Maximum number of shown lines: the most severe come first. */
const SHOWN = 50;

export interface AttentionProps {
  readonly project: string;
  /** Maximum number of read objects of each kind. */
  readonly kinds: readonly { readonly kind: KindSpec; readonly items: readonly Resource[] | undefined }[];
  readonly endpoints: readonly Resource[];
}

/** What needs attention, and what runs now. */
export function Attention({ project, kinds, endpoints }: AttentionProps) {
  const { needs, executions, jobs, loading, error, again } = useAttention(project);
  const all = [
    ...kinds.flatMap(({ kind, items = [] }) => resourceNeeds(kind, project, items)),
    ...endpointNeeds(project, endpoints),
    ...needs,
  ].toSorted(byNeed);
  return (
    <>
      {error !== undefined && <ErrorNote error={error} retry={again} />}
      {loading ? <Skeleton rows={2} /> : <Needs project={project} needs={all} />}
      <RunningPanel project={project} executions={executions} jobs={jobs} endpoints={endpoints} />
    </>
  );
}

function Needs({ project, needs }: { readonly project: string; readonly needs: readonly Need[] }) {
  const [alert, setAlert] = useState<MonitorAlert>();
  const [approval, setApproval] = useState<Approval>();
  const isIsolated = useServerInfo()?.isolation?.boundary !== 'none';
  if (needs.length === 0) {
    // The isolation note above names the remedy.
    if (!isIsolated) return null;
    return (
      <p className="home-fine">
        <StateBadge state="ok" word="Nothing needs attention" />
      </p>
    );
  }
  const act = ({ act: todo }: Need) => {
    if (todo.type === 'open') return <Link {...todo.address}>{todo.words}</Link>;
    const [words, ask] =
      todo.type === 'decide'
        ? (['Review', () => setApproval(todo.approval)] as const)
        : (['Acknowledge', () => setAlert(todo.alert)] as const);
    return (
      <Button size="compact-xs" variant="default" onClick={ask}>
        {words}
      </Button>
    );
  };
  return (
    <Panel title={needs.length === 1 ? '1 item needs attention' : `${needs.length} items need attention`} flush>
      <div className="home-list">
        <PlainTable
          label="Needs attention"
          rows={needs.slice(0, SHOWN)}
          keyOf={({ key }) => key}
          columns={[
            { title: 'State', narrow: true, cell: ({ state, word }) => <StateBadge state={state} word={word} /> },
            {
              title: 'Item',
              cell: ({ kind, what }) => (
                <>
                  {kind} <Link {...what.address}>{what.name}</Link>
                </>
              ),
            },
            { title: 'Reason', cell: ({ why }) => why },
            {
              title: 'Since',
              narrow: true,
              cell: ({ at }) => at !== undefined && <Time at={new Date(at).toISOString()} />,
            },
            { title: '', narrow: true, cell: act },
          ]}
        />
      </div>
      {needs.length > SHOWN && <p className="panel-more dim">The most severe {SHOWN} items are shown.</p>}
      <Suspense>
        {alert !== undefined && <AcknowledgeDialog project={project} alert={alert} close={() => setAlert(undefined)} />}
        {approval !== undefined && (
          <DecideDialog project={project} approval={approval} close={() => setApproval(undefined)} />
        )}
      </Suspense>
    </Panel>
  );
}
