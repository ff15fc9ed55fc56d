import type { Resource } from '@dais/api';
import { endpointKind } from '@dais/api/serving';
import { Link } from '@tanstack/react-router';
import { QuarantineNote } from './quarantine-note.tsx';
import { RolloutPanel } from './rollout-panel.tsx';
import { TrafficPanel } from './traffic-panel.tsx';
import { TryPanel } from './try-panel.tsx';
import { useEndpoint, useEndpointScope, type EndpointScope, type EndpointStatus } from './use-endpoint.ts';
import { listAddress, predictionsAddress } from '#addresses.ts';
import { ResourceActions } from '#kinds/resource-actions.tsx';
import { ResourceOverview } from '#kinds/resource-overview.tsx';
import { ResourceTabs } from '#kinds/resource-tabs.tsx';
import { UnreadPage } from '#kinds/unread-page.tsx';
import { ShadowPanel } from '#pages/predictions/shadow-panel.tsx';
import { useAddressFields } from '#server/address-fields.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { PageHead } from '#ui/page-head.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import '#kinds/resource-page.css';

/** One endpoint: its health, and the rollouts of its versions. */
export function EndpointPage() {
  const project = useCurrentProject();
  const { name = '' } = useAddressFields();
  return <OneEndpoint key={`${project} ${name}`} project={project} name={name} />;
}

function OneEndpoint({ project, name }: { readonly project: string; readonly name: string }) {
  const scope = useEndpointScope(project, name);
  const { data: resource, error, refetch } = useEndpoint(scope);
  const title = `Endpoint ${name}`;
  if (resource === undefined) {
    return (
      <UnreadPage
        title={title}
        kind={endpointKind}
        project={project}
        error={error}
        retry={() => void refetch()}
        all="endpoints"
      />
    );
  }
  return (
    <div className="page">
      <PageHead
        title={title}
        under={<Under project={project} resource={resource} />}
        actions={
          <ResourceActions
            kind={endpointKind}
            project={project}
            resource={resource}
            command={['rollout', 'status', name]}
            path={`/api/v1/${endpointKind.plural}/${encodeURIComponent(name)}`}
          />
        }
      />
      <EndpointTabs scope={scope} resource={resource} />
    </div>
  );
}

function Under({ project, resource }: { readonly project: string; readonly resource: Resource }) {
  const { conditions = [] } = resource.status as EndpointStatus;
  const ready = conditions.find(({ type }) => type === 'Ready');
  const { environment = 'dev', description } = resource.spec as { environment?: string; description?: string };
  const state = ready?.status === 'True' ? 'ok' : ready?.status === 'False' ? 'failed' : 'waiting';
  return (
    <>
      <Link {...listAddress(endpointKind, project)}>Endpoints</Link>
      <Link {...predictionsAddress(project, { endpoint: resource.metadata.name })}>Predictions</Link>
      {ready !== undefined && (
        <StateBadge state={ready.reason === 'Starting' ? 'waiting' : state} word={ready.message} />
      )}
      <span>{environment}</span>
      {description !== undefined && <span>{description}</span>}
    </>
  );
}

function EndpointTabs({ scope, resource }: { readonly scope: EndpointScope; readonly resource: Resource }) {
  const { project } = scope;
  const status = resource.status as EndpointStatus;
  return (
    <ResourceTabs
      kind={endpointKind}
      project={project}
      resource={resource}
      lead={[
        {
          name: 'traffic',
          title: 'Traffic',
          panel: (
            <div className="resource-overview">
              <QuarantineNote scope={scope} status={status} />
              <TrafficPanel scope={scope} status={status} />
              <RolloutPanel scope={scope} status={status} />
            </div>
          ),
        },
        { name: 'try', title: 'Try it', panel: <TryPanel scope={scope} /> },
        { name: 'shadow', title: 'Shadow', panel: <ShadowPanel project={project} endpoint={scope.name} /> },
        {
          name: 'about',
          title: 'Details',
          panel: <ResourceOverview kind={endpointKind} resource={resource} project={project} />,
        },
      ]}
    />
  );
}
