import type { Resource } from '@dais/api';
import { modelKind, type RegisteredModel } from '@dais/api/registry';
import { Link, useNavigate } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';
import { AliasChips } from './alias-chips.tsx';
import { modelSpecOf } from './model-spec.ts';
import { PendingApprovals } from './pending-approvals.tsx';
import { useRegistryScope, useModels, usePendingApprovals } from './use-registry.ts';
import { createAddress, listAddress, namedAddress, resourceAddress, versionAddress } from '#addresses.ts';
import { cliCommand } from '#kinds/cli-command.ts';
import { RowLink } from '#kinds/row-link.tsx';
import { useCopyForms } from '#kinds/use-copy-forms.ts';
import { useWhyNot } from '#kinds/use-why-not.ts';
import { useAddressQuery } from '#server/address-fields.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { useLiveList } from '#server/use-live-list.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { FilterBar } from '#ui/filter-bar.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { Icon } from '#ui/icons.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { readSort, ResourceTable, writeSort, type TableColumn } from '#ui/resource-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';
import './models.css';

interface Row {
  readonly resource: Resource;
  readonly model: RegisteredModel | undefined;
  readonly waiting: number;
}

/** All models of a project: versions in use, newest versions, and pending approvals. */
export function ModelsPage() {
  const project = useCurrentProject();
  const navigate = useNavigate();
  const { labels = '', name = '', sort = '', selected } = useAddressQuery();
  const scope = useRegistryScope(project);
  const list = useLiveList(modelKind, project, labels);
  const models = useModels(scope, 'model');
  const pending = usePendingApprovals(scope);
  const rows = useMemo(
    () => joined(list.rows, models.data, pending.data?.map(({ model }) => model) ?? []),
    [list.rows, models.data, pending.data],
  );
  const shown = useMemo(
    () => rows?.filter(({ resource }) => resource.metadata.name.toLowerCase().includes(name.toLowerCase())),
    [rows, name],
  );
  const columns = useMemo(() => modelColumns(project), [project]);
  const known = useMemo(() => (list.rows ?? []).slice(0, 2000).map(({ metadata }) => metadata.labels), [list.rows]);
  const update = (change: Readonly<Record<string, string | undefined>>) =>
    void navigate({ to: '.', search: (before: object) => ({ ...before, ...change }), replace: true });
  const open = useCallback(
    ({ resource }: Row) => void navigate(resourceAddress(modelKind, project, resource.metadata.name)),
    [navigate, project],
  );
  const create = createAddress(modelKind, project);
  const forms = useCopyForms({
    command: cliCommand(['get', modelKind.plural, ...(labels === '' ? [] : ['-l', labels])], modelKind, project),
    call: { project, path: '/api/v1/models', query: { labels } },
  });
  const error = list.error ?? models.error ?? undefined;
  const again = () => {
    list.retry();
    void models.refetch();
  };
  return (
    <div className="page">
      <PageHead
        title="Models"
        under={<span className="page-head-brief">Registered models with versions, aliases and pending approvals.</span>}
        actions={
          <>
            <CopyAs forms={forms} />
            <GuardedButton
              why={useWhyNot(modelKind, project)('create')}
              link={(props) => <Link {...create} {...props} />}
              leftSection={<Icon name="plus" />}
            >
              Create model
            </GuardedButton>
          </>
        }
      />
      {error !== undefined && <ErrorNote error={error} retry={again} />}
      <PendingApprovals project={project} approvals={pending.data ?? []} />
      {shown === undefined ? (
        error === undefined && <Skeleton rows={12} />
      ) : shown.length === 0 && list.complete && labels === '' && name === '' ? (
        <EmptyState
          sentence={`No models in ${project} yet. Register one from a training run.`}
          command={'mlflow.sklearn.log_model(model, name="model", registered_model_name="flight-delay")'}
          example={modelKind.example}
        >
          <Link {...create}>Create one here</Link>, or read about{' '}
          <a href="docs/guide/approve-a-model" target="_blank" rel="noreferrer">
            approving versions
          </a>
          .
        </EmptyState>
      ) : (
        <>
          <FilterBar
            labels={labels}
            onLabels={(value) => update({ labels: value })}
            name={name}
            onName={(value) => update({ name: value })}
            known={known}
          >
            <span>{shown.length.toLocaleString('en')}</span>
          </FilterBar>
          {shown.length === 0 ? (
            <EmptyState sentence="No matches.">
              <Link {...listAddress(modelKind, project)}>Show all models</Link>
            </EmptyState>
          ) : (
            <ResourceTable
              key={`${project} ${labels} ${name} ${sort}`}
              label="Models"
              rows={shown}
              columns={columns}
              keyOf={nameOf}
              complete={list.complete}
              sort={readSort(sort)}
              onSort={(next) => update({ sort: writeSort(next) })}
              selected={selected}
              onSelect={(key) => update({ selected: key })}
              onOpen={open}
            />
          )}
        </>
      )}
    </div>
  );
}

const nameOf = ({ resource }: Row) => resource.metadata.name;

/** Prompts are registered models with their own page. */
function joined(
  resources: readonly Resource[] | undefined,
  models: readonly RegisteredModel[] | undefined,
  waiting: readonly string[],
): readonly Row[] | undefined {
  if (resources === undefined || models === undefined) return undefined;
  const byName = new Map(models.map((model) => [model.name, model]));
  const counts = new Map<string, number>();
  for (const name of waiting) counts.set(name, (counts.get(name) ?? 0) + 1);
  return resources
    .filter((resource) => modelSpecOf(resource).type !== 'prompt')
    .map((resource) => {
      const { name } = resource.metadata;
      return { resource, model: byName.get(name), waiting: counts.get(name) ?? 0 };
    });
}

function latestOf(model: RegisteredModel | undefined): number {
  return Math.max(0, ...(model?.latestVersions ?? []).map(({ version }) => version));
}

function modelColumns(project: string): readonly TableColumn<Row>[] {
  return [
    {
      id: 'name',
      title: 'Name',
      width: 'minmax(180px, 2fr)',
      cell: ({ resource }) => (
        <RowLink address={resourceAddress(modelKind, project, resource.metadata.name)}>
          {resource.metadata.name}
        </RowLink>
      ),
      sortValue: nameOf,
    },
    {
      id: 'waiting',
      title: 'Pending approvals',
      width: '110px',
      cell: ({ waiting }) =>
        waiting === 0 ? null : (
          <StateBadge state="waiting" word={waiting === 1 ? '1 approval' : `${waiting} approvals`} />
        ),
      sortValue: ({ waiting }) => -waiting,
    },
    {
      id: 'latest',
      title: 'Latest version',
      width: '90px',
      cell: ({ resource, model }) => {
        const version = latestOf(model);
        if (version === 0) return <span className="dim">none</span>;
        return <RowLink address={versionAddress(project, resource.metadata.name, version)}>version {version}</RowLink>;
      },
      sortValue: ({ model }) => latestOf(model),
    },
    {
      id: 'aliases',
      title: 'Aliases',
      width: 'minmax(160px, 2fr)',
      cell: ({ resource, model }) => (
        <AliasChips project={project} name={resource.metadata.name} aliases={model?.aliases ?? {}} />
      ),
    },
    {
      id: 'owner',
      title: 'Owner',
      width: 'minmax(90px, 1fr)',
      cell: ({ resource }) => {
        const { owner } = modelSpecOf(resource);
        const address = owner === undefined ? undefined : namedAddress('Team', project, owner);
        return address === undefined ? null : <RowLink address={address}>{owner}</RowLink>;
      },
      sortValue: ({ resource }) => modelSpecOf(resource).owner ?? '',
    },
    {
      id: 'description',
      title: 'Description',
      width: 'minmax(140px, 2fr)',
      cell: ({ model }) => <span title={model?.description}>{model?.description}</span>,
    },
    {
      id: 'changed',
      title: 'Updated',
      width: '110px',
      cell: ({ resource, model }) => (
        <Time at={model === undefined ? resource.metadata.updatedAt : new Date(model.updatedAt).toISOString()} />
      ),
      sortValue: ({ resource, model }) => model?.updatedAt ?? Date.parse(resource.metadata.updatedAt),
    },
  ];
}
