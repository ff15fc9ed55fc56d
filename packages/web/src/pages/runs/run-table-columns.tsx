import type { Run } from '@dais/api/tracking';
import { useContext, type ReactNode } from 'react';
import { columnOf, metricOf, type OwnColumn, type RunColumn } from './run-columns.ts';
import { isHead, isNote, isRun, type GroupHead, type RunRow } from './run-groups.ts';
import { ChildrenWords, RunName } from './run-name.tsx';
import { isOrdered } from './run-query.ts';
import { RowStateContext } from './row-state.ts';
import { durationMs, durationText, metricText, RUN_STATES } from './run-words.ts';
import { experimentAddress } from '#addresses.ts';
import { RowLink } from '#kinds/row-link.tsx';
import { useNow } from '#ui/clock.tsx';
import { Icon } from '#ui/icons.tsx';
import type { TableColumn } from '#ui/resource-table.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';

export interface ColumnsInput {
  readonly project: string;
  readonly columns: readonly RunColumn[];
  readonly experimentNames: ReadonlyMap<string, string> | undefined;
}

export function runTableColumns({ project, columns, experimentNames }: ColumnsInput): readonly TableColumn<RunRow>[] {
  const nameOf = (id: string) => experimentNames?.get(id) ?? id;
  return [
    {
      id: 'choice',
      title: 'Selected',
      untitled: true,
      width: '34px',
      cell: (row) => (isRun(row) ? <Choice run={row} /> : null),
    },
    {
      id: 'run_name',
      title: 'Run',
      width: 'minmax(190px, 1.4fr)',
      sortable: true,
      cell: (row) =>
        isHead(row) ? (
          <GroupName
            head={row}
            by={columnOf(row.group)?.title ?? ''}
            shown={row.group === 'experiment' && row.value !== undefined ? nameOf(row.value) : row.value}
          />
        ) : isNote(row) ? (
          <ChildrenWords note={row} />
        ) : (
          <RunName project={project} run={row} />
        ),
    },
    ...columns.map((column): TableColumn<RunRow> => {
      const cell = 'own' in column ? ownCell(column.own, project, nameOf) : loggedCell(column);
      return {
        id: column.id,
        title: column.title,
        width: widthOf(column),
        sortable: isOrdered(column.id),
        ...('family' in column && column.family === 'metric' && { end: true }),
        cell: (row) => (isRun(row) ? cell(row) : null),
      };
    }),
  ];
}

function widthOf(column: RunColumn): string {
  if ('family' in column) return column.family === 'metric' ? 'minmax(96px, 0.6fr)' : 'minmax(96px, 0.8fr)';
  return (
    { start_time: '110px', end_time: '110px', duration: '104px', status: '104px' }[column.id] ?? 'minmax(110px, 0.8fr)'
  );
}

function loggedCell(column: Extract<RunColumn, { readonly family: string }>): (run: Run) => ReactNode {
  const { family, key } = column;
  if (family !== 'metric') {
    return (run) => {
      const text = (family === 'parameter' ? run.params : run.tags)[key];
      return text === undefined ? <span className="dim">–</span> : <span title={text}>{text.slice(0, 300)}</span>;
    };
  }
  return (run) => {
    const metric = metricOf(run, key);
    if (metric === undefined) return <span className="dim">–</span>;
    return <span title={`${metric.value} at step ${metric.step}`}>{metricText(metric.value)}</span>;
  };
}

function ownCell(own: OwnColumn, project: string, nameOf: (id: string) => string): (run: Run) => ReactNode {
  const cells: Readonly<Record<OwnColumn, (run: Run) => ReactNode>> = {
    status: ({ status }) => <StateBadge {...RUN_STATES[status]} />,
    start_time: ({ startedAt }) => <Moment at={startedAt} />,
    end_time: ({ endedAt }) => <Moment at={endedAt ?? 0} />,
    duration: (run) => <Took run={run} />,
    user_id: ({ user }) => user,
    experiment: ({ experimentId: id }) => <RowLink address={experimentAddress(project, id)}>{nameOf(id)}</RowLink>,
    dataset: ({ datasets }) => datasets.map(({ dataset }) => dataset.name).join(', '),
    models: ({ modelOutputs }) => (modelOutputs.length === 0 ? '' : modelOutputs.length.toLocaleString('en')),
    run_id: ({ id }) => <code title={id}>{id.slice(0, 8)}</code>,
  };
  return cells[own];
}

function Moment({ at }: { readonly at: number }) {
  return at <= 0 ? <span className="dim">–</span> : <Time at={new Date(at).toISOString()} />;
}

function Took({ run }: { readonly run: Run }) {
  return durationText(durationMs(run, useNow()));
}

function Choice({ run }: { readonly run: Run }) {
  const { chosen, choose } = useContext(RowStateContext);
  return (
    <input
      type="checkbox"
      tabIndex={-1}
      aria-label={`Select ${run.name}`}
      checked={chosen.has(run.id)}
      onChange={({ currentTarget }) => choose(run.id, currentTarget.checked)}
    />
  );
}

interface GroupNameProps {
  readonly head: GroupHead;
  /** The column whose value the group shares. */
  readonly by: string;
  readonly shown: string | undefined;
}

function GroupName({ head, by, shown }: GroupNameProps) {
  const { toggleGroup } = useContext(RowStateContext);
  return (
    <button
      type="button"
      tabIndex={-1}
      aria-expanded={!head.closed}
      className="runs-group-name"
      onClick={() => toggleGroup(head.value ?? '')}
    >
      <Icon name={head.closed ? 'right' : 'down'} />
      <span className="dim">{by}</span>
      {shown ?? <span className="dim">none</span>}
      <span className="dim">
        {head.runs.toLocaleString('en')} {head.runs === 1 ? 'run' : 'runs'}
      </span>
    </button>
  );
}
