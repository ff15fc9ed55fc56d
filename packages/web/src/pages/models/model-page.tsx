import type { Resource } from '@dais/api';
import { modelKind, type Approval, type ModelSpec } from '@dais/api/registry';
import { Link, Navigate } from '@tanstack/react-router';
import { AliasPanel } from './alias-panel.tsx';
import { ApprovalsTab } from './approvals-tab.tsx';
import { CardTab } from './card-tab.tsx';
import { DecisionsTab } from './decisions-tab.tsx';
import { DeleteModelDialog } from './delete-model-dialog.tsx';
import { InUseTab } from './in-use-tab.tsx';
import { modelSpecOf } from './model-spec.ts';
import { PendingApprovals } from './pending-approvals.tsx';
import { useApprovals, useModel, useModelScope, useModelResource, type ModelScope } from './use-registry.ts';
import { VersionsTab } from './versions-tab.tsx';
import { batchesAddress, listAddress, promptAddress } from '#addresses.ts';
import { ResourceTabs } from '#kinds/resource-tabs.tsx';
import { ResourceActions } from '#kinds/resource-actions.tsx';
import { UnreadPage } from '#kinds/unread-page.tsx';
import { ReferenceLink } from '#kinds/reference-link.tsx';
import { ResourceOverview } from '#kinds/resource-overview.tsx';
import { useAddressFields } from '#server/address-fields.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { useWhyNotDo } from '#server/use-why-not-do.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { PageHead } from '#ui/page-head.tsx';
import '#kinds/resource-page.css';
import '#ui/label-chip.css';
import './models.css';

/** One model: its aliases, pending approvals and versions. */
export function ModelPage() {
  const project = useCurrentProject();
  const { name = '' } = useAddressFields();
  return <OneModel key={`${project} ${name}`} project={project} name={name} />;
}

function OneModel({ project, name }: { readonly project: string; readonly name: string }) {
  const scope = useModelScope(project, name);
  const model = useModel(scope);
  const resource = useModelResource(scope);
  const approvals = useApprovals(scope);
  const title = `Model ${name}`;
  const error = model.error ?? resource.error;
  if (model.data === undefined || resource.data === undefined) {
    const again = () => {
      void model.refetch();
      void resource.refetch();
    };
    return <UnreadPage title={title} kind={modelKind} project={project} error={error} retry={again} />;
  }
  if (model.data.type === 'prompt') return <Navigate {...promptAddress(project, name)} replace />;
  const spec = modelSpecOf(resource.data);
  const empty = model.data.latestVersions.length === 0;
  const pending = (approvals.data ?? []).filter(({ state }) => state === 'pending');
  return (
    <div className="page">
      <PageHead
        title={title}
        under={<Under project={project} name={name} spec={spec} description={model.data.description} />}
        actions={
          <ResourceActions
            kind={modelKind}
            project={project}
            resource={resource.data}
            command={['describe', 'model', name]}
            path={`/api/v1/registry/models/${encodeURIComponent(name)}`}
            dialog={(close) => <DeleteModelDialog project={project} name={name} empty={empty} close={close} />}
          />
        }
      />
      {error !== null && <ErrorNote error={error} />}
      <PendingApprovals project={project} approvals={pending} />
      <AliasPanel scope={scope} spec={spec} aliases={model.data.aliases} />
      <ModelTabs
        scope={scope}
        resource={resource.data}
        spec={spec}
        aliases={model.data.aliases}
        newest={model.data.latestVersions.map(({ version }) => version).toSorted((a, b) => b - a)[0]}
        approvals={approvals.data ?? []}
      />
    </div>
  );
}

interface UnderProps {
  readonly project: string;
  readonly name: string;
  readonly spec: ModelSpec;
  readonly description: string;
}

function Under({ project, name, spec, description }: UnderProps) {
  return (
    <>
      <Link {...listAddress(modelKind, project)}>Models</Link>
      <Link {...batchesAddress(project, { model: name })}>Batch jobs</Link>
      {spec.owner !== undefined && (
        <span>
          team <ReferenceLink kind="Team" name={spec.owner} project={project} />
        </span>
      )}
      {description !== '' && <span>{description}</span>}
      {spec.intendedUse !== undefined && <span>Task: {spec.intendedUse}</span>}
    </>
  );
}

interface ModelTabsProps {
  readonly scope: ModelScope;
  readonly resource: Resource;
  readonly spec: ModelSpec;
  readonly aliases: Readonly<Record<string, number>>;
  readonly newest: number | undefined;
  readonly approvals: readonly Approval[];
}

function ModelTabs({ scope, resource, spec, aliases, newest, approvals }: ModelTabsProps) {
  const { project, name } = scope;
  // An aliased version is more relevant than the newest.
  const shown = Object.values(aliases).toSorted((a, b) => b - a)[0] ?? newest;
  const mayMove = useWhyNotDo(project, 'Model', ['model:promote'], name)('model:promote');
  return (
    <ResourceTabs
      kind={modelKind}
      project={project}
      resource={resource}
      lead={[
        {
          name: 'versions',
          title: 'Versions',
          panel: <VersionsTab scope={scope} spec={spec} aliases={aliases} approvals={approvals} whyNotMove={mayMove} />,
        },
        { name: 'card', title: 'Card', panel: <CardTab scope={scope} spec={spec} version={shown} /> },
        { name: 'use', title: 'Serving', panel: <InUseTab scope={scope} fallback={shown} /> },
        { name: 'approvals', title: 'Approvals', panel: <ApprovalsTab project={project} approvals={approvals} /> },
        { name: 'decisions', title: 'Decisions', panel: <DecisionsTab scope={scope} /> },
        {
          name: 'about',
          title: 'Details',
          panel: <ResourceOverview kind={modelKind} resource={resource} project={project} />,
        },
      ]}
    />
  );
}
