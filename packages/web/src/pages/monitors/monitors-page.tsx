import { monitorKind, type MonitorSummary } from '@dais/api/monitoring';
import { Link } from '@tanstack/react-router';
import { AlertsPanel } from './alerts-panel.tsx';
import { byNeed, MONITOR_STATES } from './monitor-words.ts';
import { useMonitorsScope, useOpenAlerts, useSummaries } from './use-monitors.ts';
import { WindowStrip } from './window-strip.tsx';
import { createAddress, monitorAddress, namedAddress } from '#addresses.ts';
import { cliCommand, daisCommand } from '#kinds/cli-command.ts';
import { useCopyForms } from '#kinds/use-copy-forms.ts';
import { useWhyNot } from '#kinds/use-why-not.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { Icon } from '#ui/icons.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import './monitors.css';

/** All monitors of a project: failing ones first, then unknown ones. */
export function MonitorsPage() {
  const project = useCurrentProject();
  const scope = useMonitorsScope(project);
  const { data, error, refetch } = useSummaries(scope);
  const alerts = useOpenAlerts(scope);
  const create = createAddress(monitorKind, project);
  const forms = useCopyForms({
    command: daisCommand(['get', 'monitors'], project),
    call: { project, path: '/api/v1/monitoring/monitors' },
  });
  return (
    <div className="page">
      <PageHead
        title="Monitors"
        under={
          <span className="page-head-brief">Drift, data quality and model performance of endpoints and datasets.</span>
        }
        actions={
          <>
            <CopyAs forms={forms} />
            <GuardedButton
              why={useWhyNot(monitorKind, project)('create')}
              link={(props) => <Link {...create} {...props} />}
              leftSection={<Icon name="plus" />}
            >
              Create monitor
            </GuardedButton>
          </>
        }
      />
      {error !== null && <ErrorNote error={error} retry={() => void refetch()} />}
      {alerts.error !== null && <ErrorNote error={alerts.error} retry={() => void alerts.refetch()} />}
      <AlertsPanel project={project} title="Open alerts" alerts={alerts.data ?? []} named />
      {data === undefined ? (
        error === null && <Skeleton rows={8} />
      ) : data.length === 0 ? (
        <EmptyState
          sentence={`No monitors in ${project} yet. A monitor compares the traffic of an endpoint with the training data of its model.`}
          command={cliCommand(['apply', '-f', 'monitor.yaml'], monitorKind, project)}
          example={'apiVersion: dais.dev/v1\nkind: Monitor\nmetadata:\n  name: delays\nspec:\n  endpoint: delays\n'}
        >
          <Link {...create}>Create one here</Link>, or read about{' '}
          <a href="docs/guide/monitor-a-model" target="_blank" rel="noreferrer">
            monitoring a model
          </a>
          .
        </EmptyState>
      ) : (
        <Panel title="Monitors" flush>
          <MonitorTable project={project} monitors={data} />
        </Panel>
      )}
    </div>
  );
}

function MonitorTable({
  project,
  monitors,
}: {
  readonly project: string;
  readonly monitors: readonly MonitorSummary[];
}) {
  return (
    <PlainTable
      label="Monitor status"
      rows={monitors.toSorted((a, b) => byNeed(a.state, b.state) || a.monitor.localeCompare(b.monitor))}
      keyOf={({ monitor }) => monitor}
      columns={[
        {
          title: 'State',
          narrow: true,
          cell: ({ state, reason, suspended }) =>
            suspended ? (
              <StateBadge state="off" word="suspended" />
            ) : (
              <StateBadge {...MONITOR_STATES[state]} why={reason} />
            ),
        },
        {
          title: 'Monitor',
          narrow: true,
          cell: ({ monitor }) => <Link {...monitorAddress(project, monitor)}>{monitor}</Link>,
        },
        { title: 'Target', narrow: true, cell: (monitor) => <Watched project={project} monitor={monitor} /> },
        {
          title: 'Windows',
          about: 'Newest 30, oldest first',
          narrow: true,
          cell: ({ recent, monitor }) => <WindowStrip label={`Windows of ${monitor}`} windows={recent} />,
        },
        {
          title: 'Alerts',
          narrow: true,
          cell: ({ openAlerts, acknowledged }) =>
            openAlerts === 0 ? (
              <span className="dim">none</span>
            ) : (
              `${openAlerts} open${acknowledged > 0 ? `, ${acknowledged} acknowledged` : ''}`
            ),
        },
        { title: 'Checks', cell: ({ checks }) => <Checks checks={checks} /> },
        { title: 'Reason', cell: ({ reason, baseline }) => reason ?? <span className="dim">{baseline}</span> },
      ]}
    />
  );
}

export function Watched({
  project,
  monitor: { endpoint, dataset },
}: {
  readonly project: string;
  readonly monitor: Pick<MonitorSummary, 'endpoint' | 'dataset'>;
}) {
  const [kind, name] = endpoint === undefined ? (['Dataset', dataset] as const) : (['Endpoint', endpoint] as const);
  const address = name === undefined ? undefined : namedAddress(kind, project, name);
  return address === undefined ? null : (
    <>
      {kind.toLowerCase()} <Link {...address}>{name}</Link>
    </>
  );
}

function Checks({ checks }: { readonly checks: MonitorSummary['checks'] }) {
  return (
    <span className="monitor-checks">
      {checks.map(({ check, status, reason }) => (
        <StateBadge key={check} state={MONITOR_STATES[status].state} word={check} why={reason} />
      ))}
    </span>
  );
}
