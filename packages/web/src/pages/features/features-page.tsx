import { type Resource } from '@dais/api';
import { featureServiceKind, featureViewKind, type FeatureViewState } from '@dais/api/data';
import { Link, useNavigate } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';
import { freshness } from './feature-words.ts';
import { useFeaturesScope, useFeatureViews } from './use-features.ts';
import { createAddress, listAddress, namedAddress, resourceAddress } from '#addresses.ts';
import { cliCommand } from '#kinds/cli-command.ts';
import { ReferenceLink } from '#kinds/reference-link.tsx';
import { RowLink } from '#kinds/row-link.tsx';
import { useCopyForms } from '#kinds/use-copy-forms.ts';
import { useWhyNot } from '#kinds/use-why-not.ts';
import { useAddressQuery } from '#server/address-fields.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { useLiveList } from '#server/use-live-list.ts';
import { useNow } from '#ui/clock.tsx';
import { CopyAs } from '#ui/copy-as.tsx';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { Icon } from '#ui/icons.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { Panel } from '#ui/panel.tsx';
import { PausingInput } from '#ui/pausing-input.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { readSort, ResourceTable, writeSort, type TableColumn } from '#ui/resource-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';
import './features.css';

/** All feature views of a project with their freshness, features and consumers, and the feature services. */
export function FeaturesPage() {
  const project = useCurrentProject();
  const navigate = useNavigate();
  const { name = '', sort = '', selected } = useAddressQuery();
  const scope = useFeaturesScope(project);
  const views = useFeatureViews(scope);
  const services = useLiveList(featureServiceKind, project, '');
  const shown = useMemo(() => views.data?.filter((view) => fits(view, name)), [views.data, name]);
  const columns = useMemo(() => viewColumns(project), [project]);
  const update = (change: Readonly<Record<string, string | undefined>>) =>
    void navigate({ to: '.', search: (before: object) => ({ ...before, ...change }), replace: true });
  const open = useCallback(
    (view: FeatureViewState) => void navigate(resourceAddress(featureViewKind, project, view.name)),
    [navigate, project],
  );
  const create = createAddress(featureViewKind, project);
  const forms = useCopyForms({
    command: cliCommand(['get', featureViewKind.plural], featureViewKind, project),
    call: { project, path: '/api/v1/features/views' },
  });
  return (
    <div className="page">
      <PageHead
        title="Features"
        under={<span className="page-head-brief">Feature views, and the feature services that models read.</span>}
        actions={
          <>
            <CopyAs forms={forms} />
            <GuardedButton
              why={useWhyNot(featureViewKind, project)('create')}
              link={(props) => <Link {...create} {...props} />}
              leftSection={<Icon name="plus" />}
            >
              Create feature view
            </GuardedButton>
          </>
        }
      />
      {views.error !== null && <ErrorNote error={views.error} retry={() => void views.refetch()} />}
      {shown === undefined ? (
        views.error === null && <Skeleton rows={8} />
      ) : views.data?.length === 0 ? (
        <EmptyState
          sentence={`No feature views in ${project} yet. A feature view defines features computed from a dataset.`}
          command={cliCommand(['apply', '-f', 'features.yaml'], featureViewKind, project)}
          example={featureViewKind.example}
        >
          <Link {...create}>Create one here</Link>, read about{' '}
          <a href="docs/tutorial/features-without-leakage" target="_blank" rel="noreferrer">
            Features without leakage
          </a>
          , or{' '}
          <a href="docs/guide/use-a-feast-repository" target="_blank" rel="noreferrer">
            import a Feast repository
          </a>
          .
        </EmptyState>
      ) : (
        <>
          <div className="features-bar">
            <PausingInput
              label="View, feature, entity or service"
              value={name}
              onValue={(value) => update({ name: value })}
              placeholder="View, feature, entity or service"
            />
            <span className="dim" role="status">
              {shown.length.toLocaleString('en')}
            </span>
          </div>
          {shown.length === 0 ? (
            <EmptyState sentence="No matches.">
              <Link {...listAddress(featureViewKind, project)}>Show all feature views</Link>
            </EmptyState>
          ) : (
            <ResourceTable
              key={`${project} ${name} ${sort}`}
              label="Feature views"
              rows={shown}
              columns={columns}
              keyOf={nameOf}
              complete
              sort={readSort(sort)}
              onSort={(next) => update({ sort: writeSort(next) })}
              selected={selected}
              onSelect={(key) => update({ selected: key })}
              onOpen={open}
            />
          )}
        </>
      )}
      {services.rows !== undefined && services.rows.length > 0 && (
        <Services project={project} services={services.rows} />
      )}
    </div>
  );
}

const nameOf = ({ name }: FeatureViewState) => name;

function fits({ name, features, entities, services }: FeatureViewState, text: string): boolean {
  const has = (one: string) => one.toLowerCase().includes(text.toLowerCase());
  return has(name) || entities.some(has) || services.some(has) || features.some((feature) => has(feature.name));
}

function viewColumns(project: string): readonly TableColumn<FeatureViewState>[] {
  return [
    {
      id: 'name',
      title: 'View',
      width: 'minmax(140px, 2fr)',
      cell: ({ name }) => <RowLink address={resourceAddress(featureViewKind, project, name)}>{name}</RowLink>,
      sortValue: nameOf,
    },
    {
      id: 'fresh',
      title: 'Online',
      width: '150px',
      cell: (view) => <Freshness view={view} />,
      sortValue: ({ materializedTo }) => materializedTo ?? '',
    },
    {
      id: 'to',
      title: 'Materialized up to',
      width: '95px',
      cell: ({ materializedTo }) => materializedTo !== undefined && <Time at={materializedTo} />,
      sortValue: ({ materializedTo }) => -(materializedTo === undefined ? 0 : Date.parse(materializedTo)),
    },
    {
      id: 'entities',
      title: 'Dataset',
      width: '100px',
      cell: ({ entities }) =>
        entities.map((entity) => {
          const address = namedAddress('Entity', project, entity);
          return address === undefined ? (
            entity
          ) : (
            <span key={entity} className="features-entity">
              <RowLink address={address}>{entity}</RowLink>
            </span>
          );
        }),
    },
    {
      id: 'features',
      title: 'Features',
      width: 'minmax(140px, 2fr)',
      cell: ({ features }) => {
        const names = features.map((feature) => feature.name).join(', ');
        return (
          <span title={names}>
            {features.length} <span className="dim">{names}</span>
          </span>
        );
      },
      sortValue: ({ features }) => features.length,
    },
    {
      id: 'source',
      title: 'Source',
      width: '120px',
      cell: ({ source }) => <Source project={project} source={source} />,
      sortValue: ({ source }) => source,
    },
    { id: 'ttl', title: 'TTL', width: '75px', cell: ({ ttl }) => (ttl === '0s' ? 'ever' : ttl) },
    {
      id: 'rows',
      title: 'Keys online',
      width: '95px',
      end: true,
      cell: ({ onlineEntities, online }) => (online ? onlineEntities.toLocaleString('en') : ''),
      sortValue: ({ onlineEntities }) => onlineEntities,
    },
    {
      id: 'services',
      title: 'Used by',
      width: '110px',
      cell: ({ services }) =>
        services.map((service) => (
          <span key={service} className="features-entity">
            <RowLink address={resourceAddress(featureServiceKind, project, service)}>{service}</RowLink>
          </span>
        )),
    },
  ];
}

export function Freshness({ view }: { readonly view: FeatureViewState }) {
  const status = freshness(view, useNow());
  return <StateBadge state={status.state} word={status.word} why={status.why} />;
}

/** `dataset weather` names a Dataset; other sources have no page. */
function Source({ project, source }: { readonly project: string; readonly source: string }) {
  const dataset = /^dataset (.+)$/.exec(source)?.[1];
  const address = dataset === undefined ? undefined : namedAddress('Dataset', project, dataset);
  return address === undefined ? source : <RowLink address={address}>{dataset}</RowLink>;
}

interface ServicesProps {
  readonly project: string;
  readonly services: readonly Resource[];
}

function Services({ project, services }: ServicesProps) {
  return (
    <Panel title="Feature services" flush>
      <PlainTable
        label="Services"
        rows={services}
        keyOf={({ metadata }) => metadata.name}
        columns={[
          {
            title: 'Service',
            cell: ({ metadata }) => (
              <Link {...resourceAddress(featureServiceKind, project, metadata.name)}>{metadata.name}</Link>
            ),
          },
          {
            title: 'Views',
            cell: ({ spec }) =>
              partsOf(spec).map(({ view, as }, at) => (
                <span key={as ?? view}>
                  {at > 0 && ', '}
                  <ReferenceLink kind="FeatureView" name={view} project={project} />
                  {as !== undefined && ` as ${as}`}
                </span>
              )),
          },
          { title: 'Description', cell: ({ spec }) => (spec as { readonly description?: string }).description ?? '' },
          { title: 'Updated', narrow: true, cell: ({ metadata }) => <Time at={metadata.updatedAt} /> },
        ]}
      />
    </Panel>
  );
}

export interface ServicePart {
  readonly view: string;
  readonly features?: readonly string[];
  readonly as?: string;
  readonly keys?: Readonly<Record<string, string>>;
}

export function partsOf(spec: unknown): readonly ServicePart[] {
  return (spec as { readonly features?: readonly ServicePart[] } | undefined)?.features ?? [];
}
