import { type Resource } from '@dais/api';
import { featureServiceKind, featureViewKind } from '@dais/api/data';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { BuildsPanel } from './builds-panel.tsx';
import { entityKey } from './feature-view-page.tsx';
import { Freshness, partsOf, type ServicePart } from './features-page.tsx';
import { TryOnline, type AskedKey } from './try-online.tsx';
import {
  useEntities,
  useFeatureResource,
  useFeatureViews,
  useFeaturesPlace,
  type FeaturesPlace,
} from './use-features.ts';
import { changeAddress, listAddress } from '#addresses.ts';
import { cliCommand } from '#kinds/cli-command.ts';
import { DeleteDialog } from '#kinds/delete-dialog.tsx';
import { ReferenceLink } from '#kinds/reference-link.tsx';
import { ResourceEvents } from '#kinds/resource-events.tsx';
import { ResourceHistory } from '#kinds/resource-history.tsx';
import { ResourceManifest } from '#kinds/resource-manifest.tsx';
import { useCopyForms } from '#kinds/use-copy-forms.ts';
import { useWhyNot } from '#kinds/use-why-not.ts';
import { useAddressParts, useAddressQuery } from '#server/address-parts.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { Tabs } from '#ui/controls.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { Icon } from '#ui/icons.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import '#kinds/resource-page.css';
import './features.css';

/** One service: what a model takes, whether all of it is fresh, and what was built with it. */
export function FeatureServicePage() {
  const project = useCurrentProject();
  const { name = '' } = useAddressParts();
  return <OneService key={`${project} ${name}`} project={project} name={name} />;
}

function OneService({ project, name }: { readonly project: string; readonly name: string }) {
  const place = useFeaturesPlace(project);
  const { data: resource, error, refetch } = useFeatureResource(place, 'FeatureService', name);
  const title = `What does a model of ${name} take?`;
  if (resource === undefined) {
    return (
      <div className="page">
        <PageHead title={title} />
        {error === null ? (
          <Skeleton rows={8} />
        ) : (
          <ErrorNote error={error} retry={() => void refetch()}>
            <p>
              <Link {...listAddress(featureViewKind, project)}>All features</Link>
            </p>
          </ErrorNote>
        )}
      </div>
    );
  }
  const { description, owner } = resource.spec as { readonly description?: string; readonly owner?: string };
  return (
    <div className="page">
      <PageHead
        title={title}
        under={
          <>
            <Link {...listAddress(featureViewKind, project)}>Features</Link>
            {owner !== undefined && (
              <span>
                owned by <ReferenceLink kind="Team" name={owner} project={project} />
              </span>
            )}
            {description !== undefined && <span>{description}</span>}
          </>
        }
        actions={<Actions project={project} resource={resource} />}
      />
      <ServiceTabs place={place} resource={resource} />
    </div>
  );
}

function Actions({ project, resource }: { readonly project: string; readonly resource: Resource }) {
  const { name } = resource.metadata;
  const [deleting, setDeleting] = useState(false);
  const whyNot = useWhyNot(featureServiceKind, project, resource);
  const forms = useCopyForms({
    command: cliCommand(['describe', 'featureservice', name], featureServiceKind, project),
    manifest: {
      title: 'Manifest',
      text: async () => (await import('#kinds/manifest-text.ts')).manifestText(resource),
    },
    call: { project, path: `/api/v1/${featureServiceKind.plural}/${encodeURIComponent(name)}` },
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
        link={(props) => <Link {...changeAddress(featureServiceKind, project, name)} {...props} />}
        leftSection={<Icon name="edit" />}
      >
        Edit
      </GuardedButton>
      {deleting && (
        <DeleteDialog kind={featureServiceKind} project={project} name={name} close={() => setDeleting(false)} />
      )}
    </>
  );
}

const TABS = [
  ['features', 'Features'],
  ['builds', 'Training sets'],
  ['manifest', 'Manifest'],
  ['history', 'History'],
  ['events', 'Events'],
] as const;

function ServiceTabs({ place, resource }: { readonly place: FeaturesPlace; readonly resource: Resource }) {
  const { project } = place;
  const { name } = resource.metadata;
  const { tab = 'features' } = useAddressQuery();
  const navigate = useNavigate();
  const whyNot = useWhyNot(featureServiceKind, project, resource);
  const choose = (next: string | null) =>
    void navigate({ to: '.', search: { tab: next === 'features' ? undefined : (next ?? undefined) }, replace: true });
  return (
    <Tabs value={tab} onChange={choose} keepMounted={false}>
      <Tabs.List>
        {TABS.map(([value, title]) => (
          <Tabs.Tab key={value} value={value}>
            {title}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel value="features">
        <div className="resource-overview">
          <Parts place={place} name={name} parts={partsOf(resource.spec)} />
        </div>
      </Tabs.Panel>
      <Tabs.Panel value="builds">
        <BuildsPanel place={place} service={name} />
      </Tabs.Panel>
      <Tabs.Panel value="manifest">
        <ResourceManifest resource={resource} />
      </Tabs.Panel>
      <Tabs.Panel value="history">
        <ResourceHistory kind={featureServiceKind} resource={resource} project={project} whyNot={whyNot} />
      </Tabs.Panel>
      <Tabs.Panel value="events">
        <ResourceEvents kind={featureServiceKind} name={name} project={project} />
      </Tabs.Panel>
    </Tabs>
  );
}

interface PartsProps {
  readonly place: FeaturesPlace;
  readonly name: string;
  readonly parts: readonly ServicePart[];
}

function Parts({ place, name, parts }: PartsProps) {
  const { project } = place;
  const views = useFeatureViews(place);
  const entities = useEntities(place);
  const byName = new Map(views.data?.map((view) => [view.name, view]));
  const keys = new Map<string, AskedKey>();
  for (const { view, keys: renamed = {} } of parts) {
    for (const entity of byName.get(view)?.entities ?? []) {
      const key = entityKey(entities?.get(entity), entity);
      const asked = renamed[key.name] ?? key.name;
      keys.set(asked, { ...key, name: asked });
    }
  }
  return (
    <>
      {views.error !== null && <ErrorNote error={views.error} retry={() => void views.refetch()} />}
      <Panel title="What it is made of" flush>
        <PlainTable
          label="Parts"
          rows={parts}
          keyOf={({ view, as = view }) => as}
          columns={[
            {
              title: 'View',
              cell: ({ view, as }) => (
                <>
                  <ReferenceLink kind="FeatureView" name={view} project={project} />
                  {as !== undefined && <span className="dim"> as {as}</span>}
                </>
              ),
            },
            {
              title: 'Online',
              narrow: true,
              cell: ({ view }) => {
                const found = byName.get(view);
                return found !== undefined && <Freshness view={found} />;
              },
            },
            {
              title: 'Features',
              cell: ({ view, features }) => (
                <code>{(features ?? byName.get(view)?.features.map((feature) => feature.name) ?? []).join(', ')}</code>
              ),
            },
            {
              title: 'Keys',
              cell: ({ view, keys: renamed = {} }) =>
                (byName.get(view)?.entities ?? [])
                  .map((entity) => entityKey(entities?.get(entity), entity).name)
                  .map((key) => (renamed[key] === undefined ? key : `${key} as ${renamed[key]}`))
                  .join(', '),
            },
          ]}
        />
      </Panel>
      <TryOnline project={project} what={{ service: name }} keys={[...keys.values()]} />
    </>
  );
}
