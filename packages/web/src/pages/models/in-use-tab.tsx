import type { DaisError, Resource } from '@dais/api';
import { listMonitorSummariesOperation, type MonitorSummary } from '@dais/api/monitoring';
import { endpointKind, type EndpointVariant } from '@dais/api/serving';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { SafetyPanel } from './safety-panel.tsx';
import { deploymentsOf, watchersOf, type Deployment } from './in-use.ts';
import type { ModelScope } from './use-registry.ts';
import { monitorAddress, resourceAddress, versionAddress } from '#addresses.ts';
import { cliCommand } from '#kinds/cli-command.ts';
import { VARIANT_STATES, weightText } from '#pages/endpoints/endpoint-words.ts';
import { MONITOR_STATES } from '#pages/monitors/monitor-words.ts';
import { WindowStrip } from '#pages/monitors/window-strip.tsx';
import '#pages/monitors/monitors.css';
import { useClient } from '#server/console-context.ts';
import { useMay } from '#server/own-access.ts';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge } from '#ui/state-badge.tsx';

/** Maximum number of examined endpoints or monitors of a project. */
const MOST = 1000;
/** Serving versions change without an event of the model. */
const POLL_MS = 10_000;

export interface InUseTabProps {
  readonly scope: ModelScope;
  /** The examined version where none is serving: that of an alias, or the newest. */
  readonly fallback: number | undefined;
}

/** Deployments of the model, their monitors, and the scan results of its versions. */
export function InUseTab({ scope, fallback }: InUseTabProps) {
  const { project, name, key, ready } = scope;
  const client = useClient(project);
  const may = useMay(project);
  const endpoints = useQuery<readonly Resource[], DaisError>({
    queryKey: [...key, 'endpoints'],
    queryFn: async ({ signal }) => (await client.listPage('Endpoint', { limit: MOST }, { signal })).items,
    enabled: ready && may('endpoint:read') === true,
    refetchInterval: POLL_MS,
  });
  const deployments = deploymentsOf(name, endpoints.data ?? []);
  const monitors = useQuery<readonly MonitorSummary[], DaisError>({
    queryKey: [...key, 'monitors'],
    queryFn: async ({ signal }) =>
      (await client.perform(listMonitorSummariesOperation, { limit: MOST }, { signal })).items,
    enabled: ready && deployments.length > 0 && may('monitor:read') === true,
    refetchInterval: POLL_MS,
  });
  const error = endpoints.error ?? monitors.error;
  if (may('endpoint:read') === false)
    return <p className="dim">You have no permission to read endpoints of {project}.</p>;
  if (endpoints.data === undefined && error === null) return <Skeleton rows={4} />;
  const versions = [...new Set(deployments.map(({ version }) => version))];
  const searched = versions.length > 0 ? versions : fallback === undefined ? [] : [String(fallback)];
  return (
    <div className="resource-overview">
      {error !== null && <ErrorNote error={error} />}
      <Answers project={project} name={name} deployments={deployments} />
      {deployments.length > 0 && <Watchers project={project} monitors={watchersOf(deployments, monitors.data ?? [])} />}
      {searched.map((version) => (
        <div key={version} className="model-safety">
          <h3>
            <Link {...versionAddress(project, name, version)}>Version {version}</Link>
          </h3>
          <SafetyPanel scope={scope} version={version} />
        </div>
      ))}
    </div>
  );
}

interface AnswersProps {
  readonly project: string;
  readonly name: string;
  readonly deployments: readonly Deployment[];
}

function Answers({ project, name, deployments }: AnswersProps) {
  if (deployments.length === 0) {
    return (
      <EmptyState
        sentence={`No endpoint serves ${name}. Deploy a version to serve it.`}
        command={cliCommand(['deploy', `models:/${name}/1`, '--to', name], endpointKind, project)}
      >
        <a href="docs/guide/serve-a-model" target="_blank" rel="noreferrer">
          Guide: serve a model
        </a>
      </EmptyState>
    );
  }
  return (
    <Panel title="Endpoints" flush>
      <PlainTable
        label="Endpoint variants"
        rows={deployments}
        keyOf={({ endpoint, variant }) => `${endpoint} ${variant}`}
        columns={[
          { title: 'State', narrow: true, cell: ({ state, message }) => <VariantState state={state} why={message} /> },
          {
            title: 'Endpoint',
            cell: ({ endpoint }) => <Link {...resourceAddress(endpointKind, project, endpoint)}>{endpoint}</Link>,
          },
          { title: 'Variant', narrow: true, cell: ({ variant }) => variant },
          {
            title: 'Version',
            narrow: true,
            cell: ({ version }) => <Link {...versionAddress(project, name, version)}>version {version}</Link>,
          },
          {
            title: 'Traffic',
            narrow: true,
            cell: ({ role, weight }) => (role === 'shadow' ? 'copy of all requests' : weightText(weight)),
          },
          { title: 'Environment', narrow: true, cell: ({ environment }) => environment },
        ]}
      />
    </Panel>
  );
}

function VariantState({ state, why }: { readonly state: EndpointVariant['state']; readonly why: string | undefined }) {
  return <StateBadge {...VARIANT_STATES[state]} why={why} />;
}

function Watchers({ project, monitors }: { readonly project: string; readonly monitors: readonly MonitorSummary[] }) {
  if (monitors.length === 0) {
    return (
      <Panel title="Monitors">
        <p>
          No monitor watches these endpoints.{' '}
          <a href="docs/guide/monitor-a-model" target="_blank" rel="noreferrer">
            Guide: monitor a model
          </a>
        </p>
      </Panel>
    );
  }
  return (
    <Panel title="Monitors" flush>
      <PlainTable
        label="Monitors of these endpoints"
        rows={monitors}
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
          { title: 'Endpoint', narrow: true, cell: ({ endpoint }) => endpoint },
          {
            title: 'Windows',
            about: 'Newest 30, oldest first',
            narrow: true,
            cell: ({ monitor, recent }) => <WindowStrip label={`Windows of ${monitor}`} windows={recent} />,
          },
          {
            title: 'Alerts',
            narrow: true,
            cell: ({ openAlerts }) => (openAlerts === 0 ? <span className="dim">none</span> : `${openAlerts} open`),
          },
          {
            title: 'Reason',
            cell: ({ reason, baseline }) => (
              <div className="model-why">{reason ?? <span className="dim">{baseline}</span>}</div>
            ),
          },
        ]}
      />
    </Panel>
  );
}
