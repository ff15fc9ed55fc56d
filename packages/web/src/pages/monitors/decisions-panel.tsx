import type { MonitorDecision } from '@dais/api/monitoring';
import { Link } from '@tanstack/react-router';
import { OUTCOMES } from './monitor-words.ts';
import { executionAddress, monitorAddress, namedAddress, versionAddress } from '#addresses.ts';
import { EmptyState } from '#ui/empty-state.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';

export interface DecisionsPanelProps {
  readonly project: string;
  readonly decisions: readonly MonitorDecision[];
  /** The decisions are of several monitors. */
  readonly named?: boolean;
}

/** Decisions that alerts triggered, with the reasons of those that did nothing. */
export function DecisionsPanel({ project, decisions, named = false }: DecisionsPanelProps) {
  return (
    <Panel title="Automatic retraining decisions" flush={decisions.length > 0}>
      {decisions.length === 0 ? (
        <EmptyState sentence="No decisions yet. Set `spec.onAlert.startPipeline` to retrain automatically on alerts, with a cooldown and a daily limit." />
      ) : (
        <PlainTable
          label="Decisions"
          rows={decisions}
          keyOf={({ id }) => id}
          columns={[
            { title: 'Result', narrow: true, cell: ({ outcome }) => <StateBadge {...OUTCOMES[outcome]} /> },
            ...(named
              ? [
                  {
                    title: 'Monitor',
                    narrow: true,
                    cell: ({ monitor }: MonitorDecision) => (
                      <Link {...monitorAddress(project, monitor, { tab: 'decisions' })}>{monitor}</Link>
                    ),
                  },
                ]
              : []),
            { title: 'Check', narrow: true, cell: ({ check }) => check },
            {
              title: 'Pipeline',
              narrow: true,
              cell: ({ pipeline, run }) => {
                const address = namedAddress('Pipeline', project, pipeline);
                return (
                  <>
                    {address === undefined ? pipeline : <Link {...address}>{pipeline}</Link>}
                    {run !== undefined && (
                      <>
                        {' '}
                        <Link {...executionAddress(project, run)}>pipeline run</Link>
                      </>
                    )}
                  </>
                );
              },
            },
            { title: 'Reason', cell: ({ reason }) => reason },
            {
              title: 'Version',
              narrow: true,
              cell: ({ model, version }) =>
                model !== undefined &&
                version !== undefined && (
                  <Link {...versionAddress(project, model, version)}>
                    {model}/{version}
                  </Link>
                ),
            },
            { title: 'Time', narrow: true, cell: ({ at }) => <Time at={new Date(at).toISOString()} /> },
          ]}
        />
      )}
    </Panel>
  );
}
