import { type Resource } from '@dais/api';
import { featureServiceKind, featureViewKind, type FeatureViewState } from '@dais/api/data';
import { Link } from '@tanstack/react-router';
import { Freshness } from './features-page.tsx';
import { FeaturesPanel } from './features-panel.tsx';
import { MaterializationsPanel } from './materializations-panel.tsx';
import { SkewPanel } from './skew-panel.tsx';
import { TryOnline, type JoinKeyField } from './try-online.tsx';
import {
  useEntities,
  useFeatureResource,
  useFeatureViews,
  useFeaturesScope,
  type FeaturesScope,
} from './use-features.ts';
import { viewSpecOf, type ViewSpec } from './view-spec.ts';
import { listAddress, resourceAddress } from '#addresses.ts';
import { ResourceTabs } from '#kinds/resource-tabs.tsx';
import { ResourceActions } from '#kinds/resource-actions.tsx';
import { UnreadPage } from '#kinds/unread-page.tsx';
import { ReferenceLink } from '#kinds/reference-link.tsx';
import { ResourceOverview } from '#kinds/resource-overview.tsx';
import { useAddressFields } from '#server/address-fields.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { Time } from '#ui/time.tsx';
import '#kinds/resource-page.css';
import './features.css';

/** One feature view: its online freshness, its features and its consumers. */
export function FeatureViewPage() {
  const project = useCurrentProject();
  const { name = '' } = useAddressFields();
  return <OneView key={`${project} ${name}`} project={project} name={name} />;
}

function OneView({ project, name }: { readonly project: string; readonly name: string }) {
  const scope = useFeaturesScope(project);
  const { data: resource, error, refetch } = useFeatureResource(scope, 'FeatureView', name);
  const views = useFeatureViews(scope);
  const state = views.data?.find((view) => view.name === name);
  const title = `Feature view ${name}`;
  if (resource === undefined) {
    return (
      <UnreadPage
        title={title}
        kind={featureViewKind}
        project={project}
        error={error}
        retry={() => void refetch()}
        all="features"
      />
    );
  }
  return (
    <div className="page">
      <PageHead
        title={title}
        under={<Under project={project} spec={viewSpecOf(resource)} state={state} />}
        actions={
          <ResourceActions
            kind={featureViewKind}
            project={project}
            resource={resource}
            command={['describe', 'featureview', name]}
            path={`/api/v1/${featureViewKind.plural}/${encodeURIComponent(name)}`}
          />
        }
      />
      {views.error !== null && <ErrorNote error={views.error} retry={() => void views.refetch()} />}
      <ViewTabs scope={scope} resource={resource} state={state} />
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
          materialized up to <Time at={state.materializedTo} />, {state.onlineEntities.toLocaleString('en')} keys
        </span>
      )}
      <span>
        source{' '}
        {source.type === 'dataset' ? (
          <>
            <ReferenceLink kind="Dataset" name={source.dataset} project={project} />@{source.version ?? 'latest'}
          </>
        ) : source.type === 'sql' ? (
          <Names kind="Dataset" names={source.datasets} project={project} />
        ) : source.type === 'push' ? (
          'pushed values'
        ) : (
          <Names kind="FeatureView" names={source.views ?? []} project={project} />
        )}
      </span>
      {(spec.entities ?? []).length > 0 && (
        <span>
          of <Names kind="Entity" names={spec.entities ?? []} project={project} />
        </span>
      )}
      <span>{spec.ttl === undefined || spec.ttl === '0s' ? 'TTL: unlimited' : `TTL: ${spec.ttl}`}</span>
      {state !== undefined && state.services.length > 0 && (
        <span>
          used by{' '}
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
  if (names.length === 0) return 'no feature service';
  return names.map((name, at) => (
    <span key={name}>
      {at > 0 && ', '}
      <ReferenceLink kind={kind} name={name} project={project} />
    </span>
  ));
}

interface ViewTabsProps {
  readonly scope: FeaturesScope;
  readonly resource: Resource;
  readonly state: FeatureViewState | undefined;
}

function ViewTabs({ scope, resource, state }: ViewTabsProps) {
  const { project } = scope;
  const { name } = resource.metadata;
  const spec = viewSpecOf(resource);
  return (
    <ResourceTabs
      kind={featureViewKind}
      project={project}
      resource={resource}
      lead={[
        { name: 'features', title: 'Features', panel: <FeaturesPanel project={project} spec={spec} /> },
        {
          name: 'online',
          title: 'Online',
          panel: (
            <div className="resource-overview">
              <Try scope={scope} name={name} spec={spec} />
              <MaterializationsPanel scope={scope} view={name} spec={spec} state={state} />
              {spec.source.type !== 'push' && <SkewPanel project={project} view={name} spec={spec} />}
            </div>
          ),
        },
        {
          name: 'about',
          title: 'Details',
          panel: <ResourceOverview kind={featureViewKind} resource={resource} project={project} />,
        },
      ]}
    />
  );
}

function Try({ scope, name, spec }: { readonly scope: FeaturesScope; readonly name: string; readonly spec: ViewSpec }) {
  const entities = useEntities(scope);
  const keys: readonly JoinKeyField[] = [
    ...(spec.entities ?? []).map((entity) => entityKey(entities?.get(entity), entity)),
    ...(spec.source.type === 'onDemand' ? (spec.source.request ?? []) : []),
  ];
  const what = { features: spec.features.map((feature) => `${name}:${feature.name}`) };
  return <TryOnline project={scope.project} what={what} keys={keys} />;
}

/** The join key of an entity: name and type of its column. */
export function entityKey(resource: Resource | undefined, entity: string): JoinKeyField {
  const { joinKey = entity, type = 'string' } = (resource?.spec ?? {}) as { joinKey?: string; type?: string };
  return { name: joinKey, type };
}
