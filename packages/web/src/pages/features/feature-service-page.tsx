import { type Resource } from '@dais/api';
import { featureServiceKind, featureViewKind } from '@dais/api/data';
import { Link } from '@tanstack/react-router';
import { BuildsPanel } from './builds-panel.tsx';
import { entityKey } from './feature-view-page.tsx';
import { Freshness, partsOf, type ServicePart } from './features-page.tsx';
import { TryOnline, type JoinKeyField } from './try-online.tsx';
import {
  useEntities,
  useFeatureResource,
  useFeatureViews,
  useFeaturesScope,
  type FeaturesScope,
} from './use-features.ts';
import { listAddress } from '#addresses.ts';
import { ResourceTabs } from '#kinds/resource-tabs.tsx';
import { ResourceActions } from '#kinds/resource-actions.tsx';
import { UnreadPage } from '#kinds/unread-page.tsx';
import { ReferenceLink } from '#kinds/reference-link.tsx';
import { useAddressFields } from '#server/address-fields.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import '#kinds/resource-page.css';
import './features.css';

/** One feature service: its features, their freshness and its training sets. */
export function FeatureServicePage() {
  const project = useCurrentProject();
  const { name = '' } = useAddressFields();
  return <OneService key={`${project} ${name}`} project={project} name={name} />;
}

function OneService({ project, name }: { readonly project: string; readonly name: string }) {
  const scope = useFeaturesScope(project);
  const { data: resource, error, refetch } = useFeatureResource(scope, 'FeatureService', name);
  const title = `Feature service ${name}`;
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
                owner <ReferenceLink kind="Team" name={owner} project={project} />
              </span>
            )}
            {description !== undefined && <span>{description}</span>}
          </>
        }
        actions={
          <ResourceActions
            kind={featureServiceKind}
            project={project}
            resource={resource}
            command={['describe', 'featureservice', name]}
            path={`/api/v1/${featureServiceKind.plural}/${encodeURIComponent(name)}`}
          />
        }
      />
      <ServiceTabs scope={scope} resource={resource} />
    </div>
  );
}

function ServiceTabs({ scope, resource }: { readonly scope: FeaturesScope; readonly resource: Resource }) {
  const { project } = scope;
  const { name } = resource.metadata;
  return (
    <ResourceTabs
      kind={featureServiceKind}
      project={project}
      resource={resource}
      lead={[
        {
          name: 'features',
          title: 'Features',
          panel: (
            <div className="resource-overview">
              <Parts scope={scope} name={name} parts={partsOf(resource.spec)} />
            </div>
          ),
        },
        { name: 'builds', title: 'Training sets', panel: <BuildsPanel scope={scope} service={name} /> },
      ]}
    />
  );
}

interface PartsProps {
  readonly scope: FeaturesScope;
  readonly name: string;
  readonly parts: readonly ServicePart[];
}

function Parts({ scope, name, parts }: PartsProps) {
  const { project } = scope;
  const views = useFeatureViews(scope);
  const entities = useEntities(scope);
  const byName = new Map(views.data?.map((view) => [view.name, view]));
  const keys = new Map<string, JoinKeyField>();
  for (const { view, keys: renamed = {} } of parts) {
    for (const entity of byName.get(view)?.entities ?? []) {
      const key = entityKey(entities?.get(entity), entity);
      const requested = renamed[key.name] ?? key.name;
      keys.set(requested, { ...key, name: requested });
    }
  }
  return (
    <>
      {views.error !== null && <ErrorNote error={views.error} retry={() => void views.refetch()} />}
      <Panel title="Feature views" flush>
        <PlainTable
          label="Views"
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
