import { pipelineKind, type Execution } from '@dais/api/executions';
import { Link, useNavigate } from '@tanstack/react-router';
import { useCallback, useMemo, useRef } from 'react';
import { EXECUTION_STATE_NAMES, EXECUTION_STATES, stateOf, tookText, submitterText } from './execution-words.ts';
import { firstRunLines } from './first-run.ts';
import { useExecutions } from './use-executions.ts';
import { executionAddress, executionsAddress, computeAddress, resourceAddress } from '#addresses.ts';
import { daisCommand } from '#kinds/cli-command.ts';
import { RowLink } from '#kinds/row-link.tsx';
import { useCopyForms } from '#kinds/use-copy-forms.ts';
import { usePipelineNames } from '#pages/pipelines/use-pipeline-names.ts';
import { useAddressQuery } from '#server/address-fields.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { useSession } from '#server/session.ts';
import { useNow } from '#ui/clock.tsx';
import { Select } from '#ui/controls.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { PausingInput } from '#ui/pausing-input.tsx';
import { ResourceTable, type TableColumn } from '#ui/resource-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';
import { useShortcuts } from '#ui/use-shortcuts.ts';
import './executions.css';

/** The next page is requested when fewer rows than this remain after the visible ones. */
const AHEAD = 40;
const ANY = 'any';
const STATES = [
  { value: ANY, label: 'any state' },
  ...EXECUTION_STATE_NAMES.map((state) => ({ value: state as string, label: EXECUTION_STATES[state].word })),
];

/** Completed, running and pending executions, filtered by the URL. */
export function ExecutionsPage() {
  const project = useCurrentProject();
  const navigate = useNavigate();
  const { name = '', state: stateText, selected } = useAddressQuery();
  const state = EXECUTION_STATE_NAMES.find((one) => one === stateText);
  const filter = useMemo(() => ({ state, name }), [state, name]);
  const seen = useRef<readonly Execution[]>([]);
  const { runs, more, loadMore, loading, error, again } = useExecutions(project, filter, () => seen.current);
  const input = useRef<HTMLInputElement>(null);
  useShortcuts([{ keys: '/', title: '', run: () => input.current?.focus() }]);
  const names = usePipelineNames(project, runs?.some(({ pipeline }) => pipeline !== undefined) === true);
  const known = [...names].join(' ');
  // oxlint-disable-next-line react/exhaustive-deps -- the map is new each time, but its content rarely changes
  const columns = useMemo(() => columnsOf(project, names), [project, known]);
  const update = (change: Readonly<Record<string, string | undefined>>) =>
    void navigate({ to: '.', search: (now: object) => ({ ...now, ...change }), replace: true });
  const open = useCallback((run: Execution) => void navigate(executionAddress(project, run.id)), [navigate, project]);
  const reach = (first: number, last: number) => {
    seen.current = runs?.slice(first, last + 1) ?? [];
    if (more && !loading && runs !== undefined && last > runs.length - AHEAD) loadMore();
  };
  const command = ['runs', ...(state === undefined ? [] : ['--state', state])];
  const forms = useCopyForms({
    command: daisCommand(command, project),
    call: { project, path: '/api/v1/executions', query: { state, contains: name === '' ? undefined : name } },
  });
  return (
    <div className="page">
      <PageHead
        title="Jobs and pipeline runs"
        under={
          <>
            <span className="page-head-brief">Commands and pipelines that the platform executes, newest first.</span>
            <Link {...computeAddress(project)}>Compute usage and queue</Link>
          </>
        }
        actions={<CopyAs forms={forms} />}
      />
      {error !== null && <ErrorNote error={error} retry={again} />}
      {runs?.length === 0 && name === '' && state === undefined ? (
        <FirstRun project={project} />
      ) : (
        <>
          <div className="filter">
            <PausingInput
              label="Name contains"
              inputRef={input}
              value={name}
              onValue={(value) => update({ name: value })}
              placeholder="Name contains  /"
              className="filter-name"
            />
            <Select
              aria-label="State"
              value={state ?? ANY}
              data={STATES}
              allowDeselect={false}
              onChange={(value) => update({ state: value === null || value === ANY ? undefined : value })}
              comboboxProps={{ withinPortal: false }}
            />
            <span role="status" className="filter-summary">
              {runs === undefined ? 'Loading' : counted(runs.length, more)}
            </span>
          </div>
          {runs === undefined ? (
            error === null && <Skeleton rows={12} />
          ) : runs.length === 0 ? (
            <EmptyState sentence="No matches.">
              <Link {...executionsAddress(project)}>Clear filter</Link>
            </EmptyState>
          ) : (
            <ResourceTable
              key={`${project} ${name} ${state ?? ''}`}
              label="Jobs and pipeline runs"
              rows={runs}
              columns={columns}
              keyOf={idOf}
              complete
              growing
              onReach={reach}
              onSort={() => {}}
              selected={selected}
              onSelect={(id) => update({ selected: id })}
              onOpen={open}
            />
          )}
        </>
      )}
    </div>
  );
}

const idOf = ({ id }: Execution) => id;

function counted(count: number, more: boolean): string {
  return `${count.toLocaleString('en')} ${count === 1 ? 'run' : 'runs'}${more ? ', scroll for more' : ''}`;
}

function FirstRun({ project }: { readonly project: string }) {
  const accounts = useSession()?.mode === 'accounts';
  const server = document.baseURI.replace(/\/$/, '');
  return (
    <EmptyState
      sentence={`No jobs in ${project} yet. A job runs a command or a pipeline on the server.`}
      command={firstRunLines({ server, project, accounts })}
    >
      Run these commands in a shell. The files of the current folder are uploaded with the job.{' '}
      <a href="docs/guide/run-a-command" target="_blank" rel="noreferrer">
        Guide: run a command
      </a>
    </EmptyState>
  );
}

/** A component, so that a clock tick renders one cell of each running execution. */
function Took({ run }: { readonly run: Execution }) {
  return tookText(run, useNow());
}

function PipelineName({ project, name }: { readonly project: string; readonly name: string | undefined }) {
  if (name === undefined) return <span className="dim">a pipeline</span>;
  return <RowLink address={resourceAddress(pipelineKind, project, name)}>{name}</RowLink>;
}

function columnsOf(project: string, names: ReadonlyMap<string, string>): readonly TableColumn<Execution>[] {
  return [
    {
      id: 'name',
      title: 'Name',
      width: 'minmax(180px, 2fr)',
      cell: (run) => <RowLink address={executionAddress(project, run.id)}>{run.name}</RowLink>,
    },
    {
      id: 'state',
      title: 'State',
      width: '130px',
      cell: (run) => <StateBadge {...stateOf(run)} why={run.error} />,
    },
    {
      id: 'created',
      title: 'Submitted',
      width: '110px',
      cell: ({ createdAt }) => <Time at={new Date(createdAt).toISOString()} />,
    },
    { id: 'took', title: 'Duration', width: '100px', end: true, cell: (run) => <Took run={run} /> },
    {
      id: 'who',
      title: 'Submitted by',
      width: 'minmax(90px, 1fr)',
      cell: ({ submittedBy }) => submitterText(submittedBy),
    },
    {
      id: 'why',
      title: 'Message',
      width: 'minmax(160px, 2fr)',
      cell: ({ error, description }) => <span title={error ?? description}>{error ?? description}</span>,
    },
    {
      id: 'from',
      title: 'Retry of',
      width: 'minmax(110px, 1fr)',
      cell: ({ retryOf, pipeline }) => (
        <>
          {pipeline !== undefined && <PipelineName project={project} name={names.get(pipeline)} />}
          {pipeline !== undefined && retryOf !== undefined && ', '}
          {retryOf !== undefined && (
            <RowLink address={executionAddress(project, retryOf)}>run {retryOf.slice(-8)}</RowLink>
          )}
        </>
      ),
    },
    { id: 'id', title: 'ID', width: '90px', cell: ({ id }) => <code title={id}>{id.slice(-8)}</code> },
  ];
}
