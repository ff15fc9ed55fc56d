import type { Resource } from '@dais/api';
import { monitorKind, type MonitorSummary } from '@dais/api/monitoring';
import { Link, useNavigate } from '@tanstack/react-router';
import { AlertsPanel } from './alerts-panel.tsx';
import { DecisionsPanel } from './decisions-panel.tsx';
import { HeatMap } from './heat-map.tsx';
import { MONITOR_STATES } from './monitor-words.ts';
import { Watched } from './monitors-page.tsx';
import { PerformancePanel } from './performance-panel.tsx';
import { ReportPanel } from './report-panel.tsx';
import {
  useAlerts,
  useDecisions,
  useHistory,
  useMonitor,
  useMonitorScope,
  useReport,
  useSummary,
  type MonitorScope,
} from './use-monitors.ts';
import { listAddress } from '#addresses.ts';
import { cliCommand } from '#kinds/cli-command.ts';
import { ResourceActions } from '#kinds/resource-actions.tsx';
import { ResourceOverview } from '#kinds/resource-overview.tsx';
import { ResourceTabs } from '#kinds/resource-tabs.tsx';
import { UnreadPage } from '#kinds/unread-page.tsx';
import { useAddressFields, useAddressQuery } from '#server/address-fields.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { Panel } from '#ui/panel.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import '#kinds/resource-page.css';
import './monitors.css';

/** One monitor: its drift, its alerts and its decisions. */
export function MonitorPage() {
  const project = useCurrentProject();
  const { name = '' } = useAddressFields();
  return <OneMonitor key={`${project} ${name}`} project={project} name={name} />;
}

function OneMonitor({ project, name }: { readonly project: string; readonly name: string }) {
  const scope = useMonitorScope(project, name);
  const { data: resource, error, refetch } = useMonitor(scope);
  const summary = useSummary(scope);
  const title = `Monitor ${name}`;
  if (resource === undefined) {
    return (
      <UnreadPage
        title={title}
        kind={monitorKind}
        project={project}
        error={error}
        retry={() => void refetch()}
        all="monitors"
      />
    );
  }
  return (
    <div className="page">
      <PageHead
        title={title}
        under={<Under project={project} summary={summary.data} />}
        actions={
          <ResourceActions
            kind={monitorKind}
            project={project}
            resource={resource}
            command={['describe', 'monitor', name]}
            path={`/api/v1/monitoring/monitors/${encodeURIComponent(name)}`}
          />
        }
      />
      {summary.error !== null && <ErrorNote error={summary.error} retry={() => void summary.refetch()} />}
      <MonitorTabs scope={scope} resource={resource} summary={summary.data} />
    </div>
  );
}

function Under({ project, summary }: { readonly project: string; readonly summary: MonitorSummary | undefined }) {
  return (
    <>
      <Link {...listAddress(monitorKind, project)}>Monitors</Link>
      {summary !== undefined && (
        <>
          {summary.suspended ? (
            <StateBadge state="off" word="suspended" />
          ) : (
            <StateBadge {...MONITOR_STATES[summary.state]} why={summary.reason} />
          )}
          <span>
            monitors <Watched project={project} monitor={summary} />
          </span>
          <span>
            {summary.windows.toLocaleString('en')} {summary.windows === 1 ? 'window' : 'windows'}
          </span>
          {summary.baseline !== undefined && <span>baseline: {summary.baseline}</span>}
        </>
      )}
    </>
  );
}

interface TabsProps {
  readonly scope: MonitorScope;
  readonly resource: Resource;
  readonly summary: MonitorSummary | undefined;
}

function MonitorTabs({ scope, resource, summary }: TabsProps) {
  const { project } = scope;
  const judged = (summary?.windows ?? 0) > 0;
  return (
    <ResourceTabs
      kind={monitorKind}
      project={project}
      resource={resource}
      lead={[
        { name: 'windows', title: 'Windows', panel: <Windows scope={scope} summary={summary} judged={judged} /> },
        {
          name: 'performance',
          title: 'Performance',
          panel: <Performance scope={scope} summary={summary} judged={judged} />,
        },
        { name: 'alerts', title: 'Alerts', panel: <Alerts scope={scope} /> },
        { name: 'decisions', title: 'Decisions', panel: <Decisions scope={scope} /> },
        {
          name: 'about',
          title: 'Details',
          panel: <ResourceOverview kind={monitorKind} resource={resource} project={project} />,
        },
      ]}
    />
  );
}

interface JudgedProps {
  readonly scope: MonitorScope;
  readonly summary: MonitorSummary | undefined;
  readonly judged: boolean;
}

function Windows({ scope, summary, judged }: JudgedProps) {
  const navigate = useNavigate();
  const { window = 'latest', check, column } = useAddressQuery();
  const history = useHistory(scope);
  const report = useReport(scope, judged ? window : undefined);
  if (summary !== undefined && !judged) {
    return (
      <Panel title="Windows">
        <p>
          No window has completed yet{summary.reason === undefined ? '' : `: ${summary.reason}`}. A window is evaluated
          a few seconds after its end. Run{' '}
          <code>{cliCommand(['action', 'monitor', scope.name, 'run'], monitorKind, scope.project)}</code> to evaluate
          immediately.
        </p>
      </Panel>
    );
  }
  const shown = report.data?.number;
  return (
    <div className="resource-overview">
      {history.error !== null && <ErrorNote error={history.error} retry={() => void history.refetch()} />}
      <Panel title="Drift by column and window">
        {history.data === undefined ? (
          history.error === null && <Skeleton rows={6} />
        ) : (
          <HeatMap
            history={history.data}
            chosen={{
              ...(shown !== undefined && { window: shown }),
              ...(check !== undefined && { check }),
              ...(column !== undefined && { column }),
            }}
            choose={(choice) =>
              void navigate({
                to: '.',
                search: (now: object) => ({
                  ...now,
                  window: String(choice.window),
                  check: choice.check,
                  column: choice.column,
                }),
                replace: true,
              })
            }
          />
        )}
      </Panel>
      {report.error !== null && <ErrorNote error={report.error} retry={() => void report.refetch()} />}
      {report.data !== undefined && (
        <ReportPanel project={scope.project} report={report.data} endpoint={summary?.endpoint} column={column} />
      )}
    </div>
  );
}

function Performance({ scope, summary, judged }: JudgedProps) {
  const { window = 'latest' } = useAddressQuery();
  const history = useHistory(scope);
  const report = useReport(scope, judged ? window : undefined);
  if (history.error !== null) return <ErrorNote error={history.error} retry={() => void history.refetch()} />;
  if (history.data === undefined) return <Skeleton rows={6} />;
  return (
    <div className="resource-overview">
      <PerformancePanel history={history.data} performance={report.data?.performance} endpoint={summary?.endpoint} />
    </div>
  );
}

function Alerts({ scope }: { readonly scope: MonitorScope }) {
  const { data, error, refetch } = useAlerts(scope);
  if (error !== null) return <ErrorNote error={error} retry={() => void refetch()} />;
  if (data === undefined) return <Skeleton rows={4} />;
  return (
    <AlertsPanel
      project={scope.project}
      title="Alerts"
      alerts={data}
      none="No alerts. An alert is raised after `spec.raiseAfter` failing windows in a row."
    />
  );
}

function Decisions({ scope }: { readonly scope: MonitorScope }) {
  const { data, error, refetch } = useDecisions(scope);
  if (error !== null) return <ErrorNote error={error} retry={() => void refetch()} />;
  if (data === undefined) return <Skeleton rows={4} />;
  return <DecisionsPanel project={scope.project} decisions={data} />;
}
