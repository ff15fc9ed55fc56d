/** Parameters and metrics of runs as parallel coordinates or a scatter plot. */
import type { Run } from '@dais/api/tracking';
import {
  columnOf,
  loggedKeys,
  metricOf,
  pickableColumns,
  readRunColumns,
  usualColumns,
  type RunColumn,
} from '#pages/runs/run-columns.ts';
import { ColumnPicker } from '#ui/column-picker.tsx';
import { Select } from '#ui/controls.ts';
import { ParallelPlot } from '#ui/plot/parallel-plot.tsx';
import { ScatterPlot } from '#ui/plot/scatter-plot.tsx';
import './compare.css';

interface ViewProps {
  readonly runs: readonly Run[];
  readonly update: (change: Readonly<Record<string, string | undefined>>) => void;
}

/** Maximum number of readable parallel axes. */
const MOST_AXES = 10;

type Logged = Extract<RunColumn, { readonly family: string }>;

const isLogged = (column: RunColumn | undefined): column is Logged => column !== undefined && 'family' in column;

function valueOf(run: Run, { family, key }: Logged): string | number | undefined {
  if (family !== 'metric') return family === 'parameter' ? run.params[key] : run.tags[key];
  const value = metricOf(run, key)?.value;
  return typeof value === 'number' ? value : undefined;
}

/** Parameters before metrics: inputs before results. */
function usualAxes(runs: readonly Run[]): readonly Logged[] {
  const columns = usualColumns(loggedKeys(runs), false).filter(isLogged);
  const params = columns.filter(({ family }) => family === 'parameter');
  return [...params, ...columns.filter(({ family }) => family === 'metric').slice(0, 3)];
}

function choicesOf(runs: readonly Run[]) {
  return pickableColumns(loggedKeys(runs)).filter(({ id }) => isLogged(columnOf(id)));
}

function thingsOf(runs: readonly Run[], columns: readonly Logged[]) {
  return runs.map((run, position) => ({
    id: run.id,
    label: run.name,
    place: position,
    values: columns.map((column) => valueOf(run, column)),
  }));
}

export function ParallelView({ runs, axes, update }: ViewProps & { readonly axes: string | undefined }) {
  const given = axes === undefined ? usualAxes(runs) : readRunColumns(axes).filter(isLogged);
  const shown = given.slice(0, MOST_AXES);
  return (
    <>
      <div className="compare-controls">
        <ColumnPicker
          columns={choicesOf(runs)}
          shown={shown.map(({ id }) => id)}
          onShown={(next) => update({ axes: next.join(',') })}
          onReset={() => update({ axes: undefined })}
          word="Axes"
        />
        {given.length > MOST_AXES && <span className="dim">The first {MOST_AXES} are shown.</span>}
      </div>
      {shown.length < 2 ? (
        <p className="dim">Select at least two axes.</p>
      ) : (
        <ParallelPlot label="Parallel coordinates" axes={shown} things={thingsOf(runs, shown)} />
      )}
    </>
  );
}

export function ScatterView({
  runs,
  across,
  up,
  update,
}: ViewProps & { readonly across: string | undefined; readonly up: string | undefined }) {
  const usual = usualAxes(runs);
  const [x, y] = [columnOf(across ?? ''), columnOf(up ?? '')];
  const first = isLogged(x) ? x : usual[0];
  const second = isLogged(y) ? y : usual.at(-1);
  if (first === undefined || second === undefined)
    return <p className="dim">These runs logged no metrics or parameters to compare.</p>;
  const choices = choicesOf(runs);
  const data = [...new Set(choices.map(({ group }) => group))].map((group) => ({
    group,
    items: choices.filter((one) => one.group === group).map(({ id, title }) => ({ value: id, label: title })),
  }));
  const select = (label: string, value: string, name: 'across' | 'up') => (
    <Select
      aria-label={label}
      searchable
      allowDeselect={false}
      data={data}
      value={value}
      onChange={(next) => update({ [name]: next ?? undefined })}
      comboboxProps={{ withinPortal: false }}
    />
  );
  return (
    <>
      <div className="compare-controls">
        {select('X axis', first.id, 'across')}
        <span className="dim">versus</span>
        {select('Y axis', second.id, 'up')}
      </div>
      <ScatterPlot
        label={`${second.title} versus ${first.title}`}
        across={first.title}
        up={second.title}
        things={thingsOf(runs, [first, second])}
      />
    </>
  );
}
