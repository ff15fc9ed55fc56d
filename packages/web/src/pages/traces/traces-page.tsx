import type { Trace } from '@dais/api/tracking';
import { traceFilter } from '@dais/api/filter';
import { Link, useNavigate } from '@tanstack/react-router';
import { useCallback, useMemo, useRef } from 'react';
import { assessmentText, costText, tokensOf, TRACE_STATES, traceName } from './trace-words.ts';
import { useTraces } from './use-traces.ts';
import { traceAddress, tracesAddress } from '#addresses.ts';
import { daisCommand } from '#kinds/cli-command.ts';
import { RowLink } from '#kinds/row-link.tsx';
import { useExperimentNames } from '#pages/experiments/use-experiments.ts';
import { durationText } from '#pages/runs/run-words.ts';
import { useAddressQuery } from '#server/address-fields.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { Select } from '#ui/controls.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { completeQuery, type KnownKeys } from '#ui/query-completion.ts';
import { queryProblem } from '#ui/query-problem.ts';
import { QueryInput } from '#ui/query-input.tsx';
import { readSort, ResourceTable, writeSort, type TableColumn } from '#ui/resource-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';
import { useShortcuts } from '#ui/use-shortcuts.ts';
import '#pages/runs/runs.css';
import './traces.css';

const FIRST = `import mlflow

@mlflow.trace
def answer(question):
    return question.upper()

answer("why?")`;

/** The next page is requested when fewer rows than this remain after the visible ones. */
const AHEAD = 40;
const ALL = 'all';
/** Sort key of the server, by column. */
const ORDER: Readonly<Record<string, string>> = { time: 'timestamp', duration: 'execution_time', state: 'status' };

/** Traces of programs, newest first: filtered, sorted and limited to an experiment by the URL. */
export function TracesPage() {
  const project = useCurrentProject();
  const navigate = useNavigate();
  const { filter = '', sort = '', experiment = ALL, selected } = useAddressQuery();
  const names = useExperimentNames(project);
  const experiments = useMemo(
    () => (experiment === ALL ? names && [...names.keys()] : [experiment]),
    [experiment, names],
  );
  const order = readSort(sort);
  const by = order === undefined ? undefined : ORDER[order.column];
  const query = useMemo(
    () => ({
      filter: problemOf(filter) === undefined ? filter : '',
      orderBy: [by === undefined ? 'timestamp DESC' : `${by} ${order?.descending === true ? 'DESC' : 'ASC'}`],
    }),
    [filter, by, order?.descending],
  );
  const { traces, more, loadMore, loading, error, again } = useTraces(project, experiments, query);
  const input = useRef<HTMLInputElement>(null);
  useShortcuts([{ keys: '/', title: '', run: () => input.current?.focus() }]);
  const known = useMemo(() => knownKeys(traces ?? []), [traces]);
  const complete = useCallback((before: string) => completeQuery(traceFilter, before, known), [known]);
  const columns = useMemo(() => traceColumns(project), [project]);
  const update = (change: Readonly<Record<string, string | undefined>>) =>
    void navigate({ to: '.', search: (now: object) => ({ ...now, ...change }), replace: true });
  const open = useCallback((trace: Trace) => void navigate(traceAddress(project, trace.id)), [navigate, project]);
  const reach = (_first: number, last: number) => {
    if (more && !loading && traces !== undefined && last > traces.length - AHEAD) loadMore();
  };
  const command = daisCommand(['open'], project);
  const untouched = filter === '' && experiment === ALL;
  return (
    <div className="page">
      <PageHead
        title="Traces"
        under={<span className="page-head-brief">Traces of applications with spans, durations and assessments.</span>}
        actions={
          <CopyAs
            forms={[
              { title: 'CLI command', preview: command, text: () => command },
              { title: 'Link to this page', text: () => location.href },
            ]}
          />
        }
      />
      {error !== null && <ErrorNote error={error} retry={again} />}
      {traces?.length === 0 && untouched ? (
        <EmptyState sentence={`No traces in ${project} yet. Log one with MLflow or OpenTelemetry.`} command={FIRST}>
          OpenTelemetry exporters are supported too. See{' '}
          <a href="docs/guide/console" target="_blank" rel="noreferrer">
            the console guide
          </a>
          .
        </EmptyState>
      ) : (
        <>
          <div className="runs-bar">
            <QueryInput
              label="Filter"
              inputRef={input}
              value={filter}
              onValue={(value) => update({ filter: value })}
              check={problemOf}
              complete={complete}
              placeholder="status = 'ERROR' AND span.name = 'retrieve'  /"
            />
            <Select
              aria-label="Experiment"
              value={experiment}
              data={[
                { value: ALL, label: 'all experiments' },
                ...[...(names ?? [])].map(([value, label]) => ({ value, label: `${label} (${value})` })),
              ]}
              searchable
              allowDeselect={false}
              onChange={(value) => update({ experiment: value === null || value === ALL ? undefined : value })}
              comboboxProps={{ withinPortal: false }}
            />
            <span role="status" className="traces-summary">
              {traces === undefined
                ? 'Loading'
                : `${traces.length.toLocaleString('en')}${more ? ', scroll for more' : ''}`}
            </span>
          </div>
          {traces === undefined ? (
            error === null && <Skeleton rows={12} />
          ) : traces.length === 0 ? (
            <EmptyState sentence="No matches.">
              <Link {...tracesAddress(project)}>Show all traces</Link>
            </EmptyState>
          ) : (
            <ResourceTable
              key={`${project} ${experiment} ${query.filter} ${query.orderBy.join()}`}
              label="Traces"
              rows={traces}
              columns={columns}
              keyOf={idOf}
              complete
              growing
              onReach={reach}
              sort={order}
              onSort={(next) => update({ sort: writeSort(next) })}
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

const idOf = ({ id }: Trace) => id;
const problemOf = (text: string) => queryProblem(traceFilter, text);

/** Completion of filters, from the shown traces. */
function knownKeys(traces: readonly Trace[]): KnownKeys {
  const tags = new Set<string>();
  const metadata = new Set<string>();
  const judged = { feedback: new Set<string>(), expectation: new Set<string>() };
  const values = new Map<string, Set<string>>();
  const note = (family: string, key: string, value: string) => {
    const at = `${family} ${key}`;
    values.set(at, (values.get(at) ?? new Set()).add(value));
  };
  for (const trace of traces.slice(0, 500)) {
    for (const [key, value] of Object.entries(trace.tags)) {
      tags.add(key);
      note('tag', key, value);
    }
    for (const key of Object.keys(trace.metadata)) metadata.add(key);
    for (const { kind, name } of trace.assessments) if (kind !== 'issue') judged[kind].add(name);
    note('attribute', 'status', trace.state);
    note('attribute', 'name', traceName(trace));
  }
  return {
    keys: {
      tag: [...tags].toSorted(),
      request_metadata: [...metadata].toSorted(),
      feedback: [...judged.feedback].toSorted(),
      expectation: [...judged.expectation].toSorted(),
    },
    values: (family, key) => [...(values.get(`${family} ${key}`) ?? [])].toSorted().slice(0, 50),
  };
}

function traceColumns(project: string): readonly TableColumn<Trace>[] {
  return [
    {
      id: 'time',
      title: 'Time',
      width: '100px',
      sortable: true,
      cell: ({ requestedAt }) => <Time at={new Date(requestedAt).toISOString()} />,
    },
    {
      id: 'name',
      title: 'Name',
      width: 'minmax(140px, 1.5fr)',
      cell: (trace) => <RowLink address={traceAddress(project, trace.id)}>{traceName(trace)}</RowLink>,
    },
    {
      id: 'state',
      title: 'State',
      width: '100px',
      sortable: true,
      cell: ({ state }) => <StateBadge {...TRACE_STATES[state]} />,
    },
    {
      id: 'duration',
      title: 'Duration',
      width: '90px',
      sortable: true,
      end: true,
      cell: ({ durationMs }) => durationText(durationMs),
    },
    {
      id: 'request',
      title: 'Request',
      width: 'minmax(160px, 2fr)',
      cell: ({ requestPreview }) => <span title={requestPreview?.slice(0, 1000)}>{requestPreview}</span>,
    },
    {
      id: 'response',
      title: 'Response',
      width: 'minmax(160px, 2fr)',
      cell: ({ responsePreview }) => <span title={responsePreview?.slice(0, 1000)}>{responsePreview}</span>,
    },
    {
      id: 'judged',
      title: 'Assessments',
      width: 'minmax(120px, 1.5fr)',
      cell: ({ assessments }) =>
        assessments
          .filter(({ valid }) => valid)
          .map((one) => (
            <span key={one.id} className="label-chip" title={one.rationale}>
              {assessmentText(one).slice(0, 40)}
            </span>
          )),
    },
    {
      id: 'tokens',
      title: 'Tokens',
      width: '80px',
      end: true,
      cell: (trace) => tokensOf(trace)?.toLocaleString('en'),
    },
    {
      id: 'cost',
      title: 'Cost',
      width: '80px',
      end: true,
      cell: ({ cost }) => (cost?.['total_cost'] === undefined ? undefined : costText(cost['total_cost'])),
    },
  ];
}
