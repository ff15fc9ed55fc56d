import { type Resource } from '@dais/api';
import { featureServiceKind, featureViewKind, type FeatureViewState } from '@dais/api/data';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { Freshness } from './features-page.tsx';
import { FeaturesPanel } from './features-panel.tsx';
import { MaterializationsPanel } from './materializations-panel.tsx';
import { SkewPanel } from './skew-panel.tsx';
import { TryOnline, type AskedKey } from './try-online.tsx';
import {
  useEntities,
  useFeatureResource,
  useFeatureViews,
  useFeaturesPlace,
  type FeaturesPlace,
} from './use-features.ts';
import { viewSpecOf, type ViewSpec } from './view-spec.ts';
import { changeAddress, listAddress, resourceAddress } from '#addresses.ts';
import { cliCommand } from '#kinds/cli-command.ts';
import { DeleteDialog } from '#kinds/delete-dialog.tsx';
import { ReferenceLink } from '#kinds/reference-link.tsx';
import { ResourceEvents } from '#kinds/resource-events.tsx';
import { ResourceHistory } from '#kinds/resource-history.tsx';
import { ResourceManifest } from '#kinds/resource-manifest.tsx';
import { ResourceOverview } from '#kinds/resource-overview.tsx';
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
import { Skeleton } from '#ui/skeleton.tsx';
import { Time } from '#ui/time.tsx';
import '#kinds/resource-page.css';
import './features.css';

/** One view of features: whether what is online is fresh, what is in it, and who takes it. */
export function FeatureViewPage() {
  const project = useCurrentProject();
  const { name = '' } = useAddressParts();
  return <OneView key={`${project} ${name}`} project={project} name={name} />;
}

function OneView({ project, name }: { readonly project: string; readonly name: string }) {
  const place = useFeaturesPlace(project);
  const { data: resource, error, refetch } = useFeatureResource(place, 'FeatureView', name);
  const views = useFeatureViews(place);
  const state = views.data?.find((view) => view.name === name);
  const title = `Are the features of ${name} fresh?`;
  if (resource === undefined) {
    return (
      <div className="page">
        <PageHead title={title} />
        {error === null ? (
          <Skeleton rows={8} />
        ) : (
          <ErrorNote error={error} retry={() => void refetch()}>
            <p>
              <Link {...listAddress(featureViewKind, project)}>All feature views</Link>
            </p>
          </ErrorNote>
        )}
      </div>
    );
  }
  return (
    <div className="page">
      <PageHead
        title={title}
        under={<Under project={project} spec={viewSpecOf(resource)} state={state} />}
        actions={<Actions project={project} resource={resource} />}
      />
      {views.error !== null && <ErrorNote error={views.error} retry={() => void views.refetch()} />}
      <ViewTabs place={place} resource={resource} state={state} />
    </div>
  );
}

interface UnderProps {
  readonly project: string;
  readonly spec: ViewSpec;
  readonly state: FeatureViewState | undefined;
}

function Under({ project, spec, state }: UnderProps) {
  const { source } = spec;
  return (
    <>
      <Link {...listAddress(featureViewKind, project)}>Features</Link>
      {state !== undefined && <Freshness view={state} />}
      {state?.materializedTo !== undefined && (
        <span>
          online up to <Time at={state.materializedTo} />, {state.onlineEntities.toLocaleString('en')} keys
        </span>
      )}
      <span>
        from{' '}
        {source.type === 'dataset' ? (
          <>
            <ReferenceLink kind="Dataset" name={source.dataset} project={project} />@{source.version ?? 'latest'}
          </>
        ) : source.type === 'sql' ? (
          <Names kind="Dataset" names={source.datasets} project={project} />
        ) : source.type === 'push' ? (
          'whatever is pushed'
        ) : (
          <Names kind="FeatureView" names={source.views ?? []} project={project} />
        )}
      </span>
      {(spec.entities ?? []).length > 0 && (
        <span>
          of <Names kind="Entity" names={spec.entities ?? []} project={project} />
        </span>
      )}
      <span>{spec.ttl === undefined || spec.ttl === '0s' ? 'true for ever' : `true for ${spec.ttl}`}</span>
      {state !== undefined && state.services.length > 0 && (
        <span>
          taken by{' '}
          {state.services.map((service, at) => (
            <span key={service}>
              {at > 0 && ', '}
              <Link {...resourceAddress(featureServiceKind, project, service)}>{service}</Link>
            </span>
          ))}
        </span>
      )}
      {spec.description !== undefined && <span>{spec.description}</span>}
    </>
  );
}

interface NamesProps {
  readonly kind: string;
  readonly names: readonly string[];
  readonly project: string;
}

function Names({ kind, names, project }: NamesProps) {
  if (names.length === 0) return 'nothing else';
  return names.map((name, at) => (
    <span key={name}>
      {at > 0 && ', '}
      <ReferenceLink kind={kind} name={name} project={project} />
    </span>
  ));
}

function Actions({ project, resource }: { readonly project: string; readonly resource: Resource }) {
  const { name } = resource.metadata;
  const [deleting, setDeleting] = useState(false);
  const whyNot = useWhyNot(featureViewKind, project, resource);
  const forms = useCopyForms({
    command: cliCommand(['describe', 'featureview', name], featureViewKind, project),
    manifest: {
      title: 'Manifest',
      text: async () => (await import('#kinds/manifest-text.ts')).manifestText(resource),
    },
    call: { project, path: `/api/v1/${featureViewKind.plural}/${encodeURIComponent(name)}` },
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
        link={(props) => <Link {...changeAddress(featureViewKind, project, name)} {...props} />}
        leftSection={<Icon name="edit" />}
      >
        Edit
      </GuardedButton>
      {deleting && (
        <DeleteDialog kind={featureViewKind} project={project} name={name} close={() => setDeleting(false)} />
      )}
    </>
  );
}

const TABS = [
  ['features', 'Features'],
  ['online', 'Online'],
  ['about', 'About'],
  ['manifest', 'Manifest'],
  ['history', 'History'],
  ['events', 'Events'],
] as const;

interface ViewTabsProps {
  readonly place: FeaturesPlace;
  readonly resource: Resource;
  readonly state: FeatureViewState | undefined;
}

function ViewTabs({ place, resource, state }: ViewTabsProps) {
  const { project } = place;
  const { name } = resource.metadata;
  const spec = viewSpecOf(resource);
  const { tab = 'features' } = useAddressQuery();
  const navigate = useNavigate();
  const whyNot = useWhyNot(featureViewKind, project, resource);
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
        <FeaturesPanel project={project} spec={spec} />
      </Tabs.Panel>
      <Tabs.Panel value="online">
        <div className="resource-overview">
          <Try place={place} name={name} spec={spec} />
          <MaterializationsPanel place={place} view={name} spec={spec} state={state} />
          {spec.source.type !== 'push' && <SkewPanel project={project} view={name} spec={spec} />}
        </div>
      </Tabs.Panel>
      <Tabs.Panel value="about">
        <ResourceOverview kind={featureViewKind} resource={resource} project={project} />
      </Tabs.Panel>
      <Tabs.Panel value="manifest">
        <ResourceManifest resource={resource} />
      </Tabs.Panel>
      <Tabs.Panel value="history">
        <ResourceHistory kind={featureViewKind} resource={resource} project={project} whyNot={whyNot} />
      </Tabs.Panel>
      <Tabs.Panel value="events">
        <ResourceEvents kind={featureViewKind} name={name} project={project} />
      </Tabs.Panel>
    </Tabs>
  );
}

function Try({ place, name, spec }: { readonly place: FeaturesPlace; readonly name: string; readonly spec: ViewSpec }) {
  const entities = useEntities(place);
  const keys: readonly AskedKey[] = [
    ...(spec.entities ?? []).map((entity) => entityKey(entities?.get(entity), entity)),
    ...(spec.source.type === 'onDemand' ? (spec.source.request ?? []) : []),
  ];
  const what = { features: spec.features.map((feature) => `${name}:${feature.name}`) };
  return <TryOnline project={place.project} what={what} keys={keys} />;
}

/** What an entity is told by: the name of its column, and what stands in it. */
export function entityKey(resource: Resource | undefined, entity: string): AskedKey {
  const { joinKey = entity, type = 'string' } = (resource?.spec ?? {}) as { joinKey?: string; type?: string };
  return { name: joinKey, type };
}
