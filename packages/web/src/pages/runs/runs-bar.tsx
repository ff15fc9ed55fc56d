import { runFilter } from '@dais/api/filter';
import { Link, useNavigate } from '@tanstack/react-router';
import { useCallback, useRef } from 'react';
import { groupChoices, type LoggedKeys } from './run-columns.ts';
import { filterProblem, type RunQuery } from './run-query.ts';
import { DeleteRuns } from './delete-runs.tsx';
import { useCsvExport } from './use-csv-export.ts';
import { compareAddress } from '#addresses.ts';
import { ColumnPicker, type PickableColumn } from '#ui/column-picker.tsx';
import { Button, Checkbox, Select } from '#ui/controls.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { completeQuery, type KnownKeys } from '#ui/query-completion.ts';
import { QueryInput } from '#ui/query-input.tsx';
import { useShortcuts } from '#ui/use-shortcuts.ts';
import './runs.css';

export interface RunsBarProps {
  readonly project: string;
  readonly experiments: readonly string[];
  readonly query: RunQuery;
  readonly address: Readonly<Record<string, string | undefined>>;
  /** The number of runs as text. */
  readonly counted: string;
  /** Child runs are shown under their parents. */
  readonly nested: boolean;
  /** Number of new runs whose position is unknown. */
  readonly waiting: number;
  readonly again: () => void;
  readonly logged: LoggedKeys;
  readonly known: KnownKeys;
  readonly several: boolean;
  readonly pickable: readonly PickableColumn[];
  readonly columns: readonly string[];
  readonly chosen: ReadonlySet<string>;
  /** Changes the query of the URL. */
  readonly update: (change: Readonly<Record<string, string | undefined>>) => void;
}

/** The query of the runs table and the size of its result. */
export function RunsBar(props: RunsBarProps) {
  const { project, experiments, query, address, counted, waiting, again, logged, known, update } = props;
  const navigate = useNavigate();
  const input = useRef<HTMLInputElement>(null);
  const csv = useCsvExport({ project, experiments, query });
  const chosen = [...props.chosen];
  const compare = compareAddress(project, chosen);
  useShortcuts([
    { keys: '/', title: '', run: () => input.current?.focus() },
    { keys: 'm', title: '', run: () => (chosen.length > 1 ? void navigate(compare) : undefined) },
  ]);
  const complete = useCallback((before: string) => completeQuery(runFilter, before, known), [known]);
  return (
    <>
      <div className="runs-bar">
        <QueryInput
          label="Filter"
          inputRef={input}
          value={address['filter'] ?? ''}
          onValue={(filter) => update({ filter })}
          check={filterProblem}
          complete={complete}
          placeholder="metrics.accuracy > 0.9 AND params.depth = '3'  /"
        />
        <Select
          aria-label="Group by"
          placeholder="Group by"
          className="runs-group"
          searchable
          clearable
          clearButtonProps={{ 'aria-label': 'No grouping' }}
          data={groupChoices(logged, props.several)}
          value={query.group ?? null}
          onChange={(group) => update({ group: group ?? undefined })}
          comboboxProps={{ withinPortal: false }}
        />
        <ColumnPicker
          columns={props.pickable}
          shown={props.columns}
          onShown={(shown) => update({ columns: shown.join(',') })}
          onReset={() => update({ columns: undefined })}
        />
      </div>
      <div className="runs-summary">
        <span role="status">{counted}</span>
        {waiting > 0 && (
          <Button variant="default" onClick={again}>
            {waiting.toLocaleString('en')} new: refresh
          </Button>
        )}
        <Checkbox
          size="xs"
          label="Show deleted runs"
          checked={query.view === 'deleted'}
          onChange={({ currentTarget }) => update({ view: currentTarget.checked ? 'deleted' : undefined })}
        />
        <Checkbox
          size="xs"
          label="Group nested runs"
          checked={address['nested'] === 'yes'}
          onChange={({ currentTarget }) =>
            update({ nested: currentTarget.checked ? 'yes' : undefined, open: undefined })
          }
        />
        {address['nested'] === 'yes' && !props.nested && <span>Not nested while a filter or grouping is active.</span>}
        <div className="runs-summary-end">
          {chosen.length > 0 && (
            <>
              <span>{chosen.length.toLocaleString('en')} selected</span>
              {chosen.length > 1 && (
                <Button renderRoot={(own: object) => <Link {...compare} {...own} />}>Compare {chosen.length}</Button>
              )}
              <DeleteRuns
                project={project}
                runs={chosen}
                restore={query.view === 'deleted'}
                done={() => {
                  update({ chosen: undefined });
                  again();
                }}
              />
              <Button variant="subtle" onClick={() => update({ chosen: undefined })}>
                Clear selection
              </Button>
            </>
          )}
          {csv.read === undefined ? (
            <Button variant="default" onClick={csv.start}>
              Export CSV
            </Button>
          ) : (
            <Button variant="default" onClick={csv.stop}>
              {csv.read.toLocaleString('en')} runs read: stop
            </Button>
          )}
        </div>
      </div>
      {csv.error !== null && <ErrorNote error={csv.error} retry={csv.start} />}
    </>
  );
}
