import type { ExecutionMark } from '@dais/api/executions';
import { useEffect, useMemo, useRef } from 'react';
import { NODE_STATE_NAMES, NODE_STATES, sourceWord, tookText } from './execution-words.ts';
import type { Marks } from './marks.ts';
import { useAddressQuery } from '#server/address-fields.ts';
import { useNow } from '#ui/clock.tsx';
import { Select } from '#ui/controls.ts';
import { PausingInput } from '#ui/pausing-input.tsx';
import { readSort, ResourceTable, writeSort, type TableColumn } from '#ui/resource-table.tsx';
import { StateBadge } from '#ui/state-badge.tsx';

const ANY = 'any';
const STATES = [
  { value: ANY, label: 'any state' },
  ...NODE_STATE_NAMES.map((state) => ({ value: state as string, label: NODE_STATES[state].word })),
];

export interface RunStepsProps {
  readonly marks: Marks;
  readonly complete: boolean;
  readonly chosen: string | undefined;
  readonly choose: (path: string | undefined) => void;
  readonly update: (change: Readonly<Record<string, string | undefined>>) => void;
}

/** All steps and groups as a list: for searches, and for executions that are too large for the graph. */
export function RunSteps({ marks, complete, chosen, choose, update }: RunStepsProps) {
  const { name = '', state = '', sort } = useAddressQuery();
  const rows = useMemo(() => {
    const part = name.toLowerCase();
    return [...marks.values()]
      .filter((mark) => (state === '' || mark.state === state) && mark.path.toLowerCase().includes(part))
      .toSorted((a, b) => (a.path < b.path ? -1 : 1));
  }, [marks, name, state]);
  // The current callback: columns stay the same while rows change.
  const latest = useRef(choose);
  useEffect(() => {
    latest.current = choose;
  });
  const columns = useMemo(() => columnsOf((path) => latest.current(path)), []);
  return (
    <>
      <div className="filter">
        <PausingInput
          label="Path contains"
          value={name}
          onValue={(value) => update({ name: value })}
          placeholder="Path contains"
          className="filter-name"
        />
        <Select
          aria-label="State of steps"
          value={state === '' ? ANY : state}
          data={STATES}
          allowDeselect={false}
          onChange={(value) => update({ state: value === null || value === ANY ? undefined : value })}
          comboboxProps={{ withinPortal: false }}
        />
        <span role="status" className="filter-summary">
          {rows.length.toLocaleString('en')} {rows.length === 1 ? 'step or group' : 'steps and groups'}
        </span>
      </div>
      <ResourceTable
        key={`${name} ${state}`}
        label="Steps"
        rows={rows}
        columns={columns}
        keyOf={pathOf}
        complete={complete}
        sort={readSort(sort)}
        onSort={(next) => update({ sort: writeSort(next) })}
        selected={chosen}
        onSelect={choose}
        onOpen={({ path }) => choose(path)}
      />
    </>
  );
}

const pathOf = ({ path }: ExecutionMark) => path;

/** A component, so that a clock tick renders one cell of each running step. */
function Took({ mark }: { readonly mark: ExecutionMark }) {
  return tookText(mark, useNow());
}

const columnsOf = (choose: (path: string) => void): readonly TableColumn<ExecutionMark>[] => [
  {
    id: 'path',
    title: 'Path',
    width: 'minmax(180px, 3fr)',
    sortValue: pathOf,
    cell: ({ path }) => (
      <button type="button" className="step-choice" title={path} onClick={() => choose(path)}>
        {path}
      </button>
    ),
  },
  {
    id: 'state',
    title: 'State',
    width: '150px',
    sortValue: ({ state }) => NODE_STATE_NAMES.indexOf(state),
    cell: ({ state }) => <StateBadge {...NODE_STATES[state]} />,
  },
  {
    id: 'took',
    title: 'Duration',
    width: '90px',
    end: true,
    sortValue: ({ startedAt = 0, endedAt = 0 }) => Math.max(0, endedAt - startedAt),
    cell: (mark) => <Took mark={mark} />,
  },
  {
    id: 'attempts',
    title: 'Attempts',
    width: '84px',
    end: true,
    sortValue: ({ attempts }) => attempts,
    cell: ({ attempts }) => (attempts === 0 ? undefined : attempts),
  },
  {
    id: 'source',
    title: 'Reason for skip',
    width: '120px',
    sortValue: ({ source }) => source ?? '',
    cell: ({ source }) => sourceWord(source),
  },
];
