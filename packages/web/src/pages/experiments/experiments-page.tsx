import { useNavigate } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { FirstRunNote } from './first-run-note.tsx';
import { NewExperiment } from './new-experiment.tsx';
import { useExperiments, type ExperimentRow } from './use-experiments.ts';
import { experimentAddress } from '#addresses.ts';
import { curlCommand } from '#kinds/curl-command.ts';
import { RowLink } from '#kinds/row-link.tsx';
import { useAddressQuery } from '#server/address-fields.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { useSession } from '#server/session.ts';
import { useWhyNotDo } from '#server/use-why-not-do.ts';
import { Button, Checkbox } from '#ui/controls.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { Icon } from '#ui/icons.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { PausingInput } from '#ui/pausing-input.tsx';
import { readSort, ResourceTable, writeSort, type TableColumn } from '#ui/resource-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';
import { showReason } from '#ui/toast.ts';
import { useShortcuts } from '#ui/use-shortcuts.ts';
import './experiments.css';

/** The experiments of a project, with their activity. */
export function ExperimentsPage() {
  const project = useCurrentProject();
  const navigate = useNavigate();
  const { name = '', sort, selected, view } = useAddressQuery();
  const deleted = view === 'deleted';
  const { rows, more, loadMore, loading, error, again } = useExperiments(project, deleted ? 'deleted' : 'active');
  const shown = useMemo(() => named(rows, name), [rows, name]);
  const columns = useMemo(() => columnsOf(project), [project]);
  const [creating, setCreating] = useState(false);
  const why = useWhyNotDo(project, 'Experiment', ['experiment:create'])('experiment:create');
  useShortcuts([{ keys: 'c', title: '', run: () => (why === undefined ? setCreating(true) : showReason(why)) }]);
  const update = (change: Readonly<Record<string, string | undefined>>) =>
    void navigate({ to: '.', search: (before: object) => ({ ...before, ...change }), replace: true });
  const nothing = rows !== undefined && !deleted && rows.every(({ activity }) => activity === undefined);
  return (
    <div className="page">
      <PageHead
        title="Experiments"
        under="An experiment groups the tracked runs of one task."
        actions={
          <>
            <CopyAs forms={useForms(project)} />
            <GuardedButton why={why} leftSection={<Icon name="plus" />} onClick={() => setCreating(true)}>
              Create experiment
            </GuardedButton>
          </>
        }
      />
      {error !== null && <ErrorNote error={error} retry={again} />}
      {nothing && <FirstRunNote sentence={`No runs in ${project} yet. Log one with MLflow.`} project={project} />}
      {rows === undefined && error === null && <Skeleton rows={12} />}
      {shown !== undefined && (
        <>
          <div className="filter">
            <PausingInput
              label="Name contains"
              value={name}
              onValue={(value) => update({ name: value })}
              placeholder="Name contains"
              className="filter-name"
            />
            <Checkbox
              size="xs"
              label="Show deleted experiments"
              checked={deleted}
              onChange={({ currentTarget }) => update({ view: currentTarget.checked ? 'deleted' : undefined })}
              className="filter-summary"
            />
            <div className="filter-summary" role="status">
              <span>
                {shown.length.toLocaleString('en')} {shown.length === 1 ? 'experiment' : 'experiments'}
                {more ? ', more available' : ''}
              </span>
              {more && (
                <Button variant="default" loading={loading} onClick={loadMore}>
                  Load more experiments
                </Button>
              )}
            </div>
          </div>
          {shown.length === 0 ? (
            <EmptyState sentence={deleted ? 'No deleted experiments.' : 'No matches.'} />
          ) : (
            <ResourceTable
              key={`${project} ${name} ${view ?? ''} ${sort ?? ''}`}
              label="Experiments"
              rows={shown}
              columns={columns}
              keyOf={idOf}
              complete
              sort={readSort(sort)}
              onSort={(next) => update({ sort: writeSort(next) })}
              selected={selected}
              onSelect={(key) => update({ selected: key })}
              onOpen={({ experiment }) => void navigate(experimentAddress(project, experiment.id))}
            />
          )}
        </>
      )}
      {creating && <NewExperiment project={project} close={() => setCreating(false)} />}
    </div>
  );
}

const idOf = ({ experiment }: ExperimentRow) => experiment.id;

function named(rows: readonly ExperimentRow[] | undefined, part: string): readonly ExperimentRow[] | undefined {
  const lower = part.toLowerCase();
  return lower === '' ? rows : rows?.filter(({ experiment }) => experiment.name.toLowerCase().includes(lower));
}

function columnsOf(project: string): readonly TableColumn<ExperimentRow>[] {
  return [
    {
      id: 'name',
      title: 'Name',
      width: 'minmax(220px, 2fr)',
      cell: ({ experiment: { id, name } }) => <RowLink address={experimentAddress(project, id)}>{name}</RowLink>,
      sortValue: ({ experiment }) => experiment.name.toLowerCase(),
    },
    {
      id: 'runs',
      title: 'Runs',
      width: '90px',
      cell: ({ activity }) => (activity?.runs ?? 0).toLocaleString('en'),
      sortValue: ({ activity }) => activity?.runs ?? 0,
    },
    {
      id: 'running',
      title: 'Running',
      width: '110px',
      cell: ({ activity }) =>
        activity !== undefined && activity.running > 0 ? (
          <StateBadge state="running" word={`${activity.running.toLocaleString('en')} running`} />
        ) : null,
      sortValue: ({ activity }) => activity?.running ?? 0,
    },
    {
      id: 'last',
      title: 'Last run started',
      width: '130px',
      cell: ({ activity }) =>
        activity?.lastStartedAt === undefined ? (
          <span className="dim">–</span>
        ) : (
          <Time at={new Date(activity.lastStartedAt).toISOString()} />
        ),
      sortValue: ({ activity }) => activity?.lastStartedAt ?? 0,
    },
    {
      id: 'made',
      title: 'Created',
      width: '110px',
      cell: ({ experiment }) => <Time at={new Date(experiment.createdAt).toISOString()} />,
      sortValue: ({ experiment }) => experiment.createdAt,
    },
    {
      id: 'tags',
      title: 'Tags',
      width: 'minmax(140px, 1.4fr)',
      cell: ({ experiment }) =>
        Object.entries(experiment.tags).map(([key, value]) => (
          <span key={key} className="label-chip" title={`${key}=${value}`}>
            {key}={value}
          </span>
        )),
    },
    { id: 'id', title: 'ID', width: '80px', cell: ({ experiment }) => <code>{experiment.id}</code> },
  ];
}

function useForms(project: string) {
  const accounts = useSession()?.mode === 'accounts';
  const server = document.baseURI.replace(/\/$/, '');
  const python = 'mlflow.search_experiments()';
  const curl = curlCommand({ server, accounts, project, path: '/api/v1/tracking/search/experiments', json: {} });
  return [
    { title: 'Python (mlflow)', preview: python, text: () => python },
    { title: 'curl command', preview: curl, text: () => curl },
    { title: 'Link to this page', text: () => location.href },
  ];
}
