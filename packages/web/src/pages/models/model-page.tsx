import { modelKind, type Approval, type ModelSpec, type Resource } from '@dais/api';
import { Link, Navigate, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { AliasPanel } from './alias-panel.tsx';
import { ApprovalsTab } from './approvals-tab.tsx';
import { DeleteModelDialog } from './delete-model-dialog.tsx';
import { modelSpecOf } from './model-spec.ts';
import { PendingApprovals } from './pending-approvals.tsx';
import { useApprovals, useModel, useModelPlace, useModelResource, type ModelPlace } from './use-registry.ts';
import { VersionsTab } from './versions-tab.tsx';
import { changeAddress, listAddress, promptAddress } from '#addresses.ts';
import { cliCommand } from '#kinds/cli-command.ts';
import { ReferenceLink } from '#kinds/reference-link.tsx';
import { ResourceEvents } from '#kinds/resource-events.tsx';
import { ResourceHistory } from '#kinds/resource-history.tsx';
import { ResourceManifest } from '#kinds/resource-manifest.tsx';
import { ResourceOverview } from '#kinds/resource-overview.tsx';
import { useCopyForms } from '#kinds/use-copy-forms.ts';
import { useWhyNot } from '#kinds/use-why-not.ts';
import { useAddressParts, useAddressQuery } from '#server/address-parts.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { useWhyNotDo } from '#server/use-why-not-do.ts';
import { Tabs } from '#ui/controls.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { Icon } from '#ui/icons.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import '#kinds/resource-page.css';
import '#ui/label-chip.css';
import './models.css';

const TABS = [
  ['versions', 'Versions'],
  ['approvals', 'Approvals'],
  ['about', 'About'],
  ['manifest', 'Manifest'],
  ['history', 'History'],
  ['events', 'Events'],
] as const;

/** One model: what its versions are called, what waits for a word, and every version there is. */
export function ModelPage() {
  const project = useCurrentProject();
  const { name = '' } = useAddressParts();
  return <OneModel key={`${project} ${name}`} project={project} name={name} />;
}

function OneModel({ project, name }: { readonly project: string; readonly name: string }) {
  const place = useModelPlace(project, name);
  const model = useModel(place);
  const resource = useModelResource(place);
  const approvals = useApprovals(place);
  const title = `Which version of ${name} is in use?`;
  const error = model.error ?? resource.error;
  if (model.data === undefined || resource.data === undefined) {
    const again = () => {
      void model.refetch();
      void resource.refetch();
    };
    return (
      <div className="page">
        <PageHead title={title} />
        {error === null ? (
          <Skeleton rows={8} />
        ) : (
          <ErrorNote error={error} retry={again}>
            <p>
              <Link {...listAddress(modelKind, project)}>All models</Link>
            </p>
          </ErrorNote>
        )}
      </div>
    );
  }
  if (model.data.type === 'prompt') return <Navigate {...promptAddress(project, name)} replace />;
  const spec = modelSpecOf(resource.data);
  const pending = (approvals.data ?? []).filter(({ state }) => state === 'pending');
  return (
    <div className="page">
      <PageHead
        title={title}
        under={<Under project={project} spec={spec} description={model.data.description} />}
        actions={<Actions place={place} resource={resource.data} empty={model.data.latestVersions.length === 0} />}
      />
      {error !== null && <ErrorNote error={error} />}
      <PendingApprovals project={project} approvals={pending} />
      <AliasPanel place={place} spec={spec} aliases={model.data.aliases} />
      <ModelTabs
        place={place}
        resource={resource.data}
        spec={spec}
        aliases={model.data.aliases}
        approvals={approvals.data ?? []}
      />
    </div>
  );
}

function Under(props: { readonly project: string; readonly spec: ModelSpec; readonly description: string }) {
  const { project, spec, description } = props;
  return (
    <>
      <Link {...listAddress(modelKind, project)}>Models</Link>
      {spec.owner !== undefined && (
        <span>
          of team <ReferenceLink kind="Team" name={spec.owner} project={project} />
        </span>
      )}
      {description !== '' && <span>{description}</span>}
      {spec.intendedUse !== undefined && <span>For: {spec.intendedUse}</span>}
    </>
  );
}

interface ActionsProps {
  readonly place: ModelPlace;
  readonly resource: Resource;
  readonly empty: boolean;
}

function Actions({ place: { project, name }, resource, empty }: ActionsProps) {
  const [deleting, setDeleting] = useState(false);
  const whyNot = useWhyNot(modelKind, project, resource);
  const forms = useCopyForms({
    command: cliCommand(['describe', 'model', name], modelKind, project),
    manifest: {
      title: 'Manifest',
      text: async () => (await import('#kinds/manifest-text.ts')).manifestText(resource),
    },
    call: { project, path: `/api/v1/registry/models/${encodeURIComponent(name)}` },
  });
  return (
    <>
      <CopyAs forms={forms} />
      <GuardedButton
        why={whyNot('delete')}
        variant="default"
        leftSection={<Icon name="bin" />}
        onClick={() => setDeleting(true)}
      >
        Delete
      </GuardedButton>
      <GuardedButton
        why={whyNot('update')}
        link={(props) => <Link {...changeAddress(modelKind, project, name)} {...props} />}
        leftSection={<Icon name="edit" />}
      >
        Edit
      </GuardedButton>
      {deleting && <DeleteModelDialog project={project} name={name} empty={empty} close={() => setDeleting(false)} />}
    </>
  );
}

interface ModelTabsProps {
  readonly place: ModelPlace;
  readonly resource: Resource;
  readonly spec: ModelSpec;
  readonly aliases: Readonly<Record<string, number>>;
  readonly approvals: readonly Approval[];
}

function ModelTabs({ place, resource, spec, aliases, approvals }: ModelTabsProps) {
  const { project, name } = place;
  const { tab = 'versions' } = useAddressQuery();
  const navigate = useNavigate();
  const whyNot = useWhyNot(modelKind, project, resource);
  const mayMove = useWhyNotDo(project, 'Model', ['model:promote'], name)('model:promote');
  const choose = (next: string | null) =>
    void navigate({ to: '.', search: { tab: next === 'versions' ? undefined : (next ?? undefined) }, replace: true });
  return (
    <Tabs value={tab} onChange={choose} keepMounted={false}>
      <Tabs.List>
        {TABS.map(([value, title]) => (
          <Tabs.Tab key={value} value={value}>
            {title}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel value="versions">
        <VersionsTab place={place} spec={spec} aliases={aliases} approvals={approvals} whyNotMove={mayMove} />
      </Tabs.Panel>
      <Tabs.Panel value="approvals">
        <ApprovalsTab project={project} approvals={approvals} />
      </Tabs.Panel>
      <Tabs.Panel value="about">
        <ResourceOverview kind={modelKind} resource={resource} project={project} />
      </Tabs.Panel>
      <Tabs.Panel value="manifest">
        <ResourceManifest resource={resource} />
      </Tabs.Panel>
      <Tabs.Panel value="history">
        <ResourceHistory kind={modelKind} resource={resource} project={project} whyNot={whyNot} />
      </Tabs.Panel>
      <Tabs.Panel value="events">
        <ResourceEvents kind={modelKind} name={name} project={project} />
      </Tabs.Panel>
    </Tabs>
  );
}
