import type { Resource } from '@dais/api';
import type { Execution } from '@dais/api/executions';
import type { ModelJob } from '@dais/api/serving';
import { Link } from '@tanstack/react-router';
import { runningNow, type Running } from './running.ts';
import { executionsAddress } from '#addresses.ts';
import { useNow } from '#ui/clock.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { durationText } from '#pages/runs/run-words.ts';

const SHOWN = 20;

export interface RunningPanelProps {
  readonly project: string;
  readonly executions: readonly Execution[];
  readonly jobs: readonly ModelJob[];
  readonly endpoints: readonly Resource[];
}

/** Lists what runs now; shows nothing when nothing runs. */
export function RunningPanel({ project, executions, jobs, endpoints }: RunningPanelProps) {
  const running = runningNow(project, executions, jobs, endpoints);
  if (running.length === 0) return null;
  return (
    <Panel
      title={`${running.length} running now`}
      actions={<Link {...executionsAddress(project)}>All jobs</Link>}
      flush
    >
      <div className="home-list">
        <PlainTable
          label="Running now"
          rows={running.slice(0, SHOWN)}
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
            { title: 'Progress', cell: ({ far }) => far },
            { title: 'Duration', narrow: true, cell: (one) => <Took one={one} /> },
          ]}
        />
      </div>
    </Panel>
  );
}

/** A component, so that a tick of the clock renders one cell. */
function Took({ one: { since } }: { readonly one: Running }) {
  const now = useNow();
  return since === undefined ? <span className="dim">not started</span> : durationText(Math.max(0, now - since));
}
