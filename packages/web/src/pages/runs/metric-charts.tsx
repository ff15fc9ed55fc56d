import type { Run } from '@dais/api/tracking';
import { useMemo } from 'react';
import { AXES, rangeText, type ChartView } from './chart-view.ts';
import { metricOf } from './run-columns.ts';
import { isSystemMetric, metricText } from './run-words.ts';
import { useMetricLines } from './use-metric-lines.ts';
import { Button, Checkbox, Select } from '#ui/controls.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { LineChart } from '#ui/plot/line-chart.tsx';
import { useSeen } from '#ui/use-seen.ts';
import './metric-charts.css';

const HEIGHT = 190;

export interface MetricChartsProps {
  readonly project: string;
  readonly runs: readonly Run[];
  readonly view: ChartView;
  /** Changes the query of the URL. */
  readonly update: (change: Readonly<Record<string, string | undefined>>) => void;
}

/** One chart for each metric, of one or several runs; system metrics are separate. */
export function MetricCharts({ project, runs, view, update }: MetricChartsProps) {
  const groups = useMemo(() => groupsOf(runs), [runs]);
  if (groups.length === 0) return <p className="dim">No metrics logged yet.</p>;
  return (
    <>
      <ChartControls view={view} update={update} />
      {groups.map(({ name, keys }) => (
        <details key={name} className="chart-group" open={name !== SYSTEM}>
          <summary>
            {name} <span className="dim">{keys.length}</span>
          </summary>
          <div className="chart-grid">
            {keys.map((key) => (
              <MetricChart key={key} project={project} runs={runs} metric={key} view={view} update={update} />
            ))}
          </div>
        </details>
      ))}
    </>
  );
}

const SYSTEM = 'System metrics';

/** By the text before the first slash: `train/loss` and `train/accuracy` are in one group. */
function groupsOf(runs: readonly Run[]) {
  const keys = [...new Set(runs.flatMap(({ metrics }) => metrics.map(({ key }) => key)))].toSorted();
  const groups = new Map<string, string[]>();
  for (const key of keys) {
    const slash = key.indexOf('/');
    const name = isSystemMetric(key) ? SYSTEM : slash > 0 ? key.slice(0, slash) : 'Metrics';
    groups.set(name, [...(groups.get(name) ?? []), key]);
  }
  const rank = (name: string) => (name === 'Metrics' ? 0 : name === SYSTEM ? 2 : 1);
  return [...groups].map(([name, of]) => ({ name, keys: of })).toSorted((a, b) => rank(a.name) - rank(b.name));
}

const AXIS_WORDS = { step: 'Step', time: 'Wall time', relative: 'Relative time' } as const;

function ChartControls({ view, update }: Pick<MetricChartsProps, 'view' | 'update'>) {
  return (
    <div className="chart-controls">
      <Select
        aria-label="Horizontal axis"
        data={AXES.map((value) => ({ value, label: AXIS_WORDS[value] }))}
        value={view.axis}
        allowDeselect={false}
        onChange={(x) => update({ x: x === 'step' || x === null ? undefined : x, range: undefined })}
        comboboxProps={{ withinPortal: false }}
      />
      <label className="chart-smooth">
        Smoothing
        <input
          type="range"
          min={0}
          max={0.99}
          step={0.01}
          value={view.smoothing}
          aria-valuetext={view.smoothing === 0 ? 'none' : String(view.smoothing)}
          title="Exponential moving average with bias correction; 0 disables it"
          onChange={({ currentTarget }) =>
            update({ smooth: currentTarget.value === '0' ? undefined : currentTarget.value })
          }
        />
        <output>{view.smoothing === 0 ? 'none' : view.smoothing.toFixed(2)}</output>
      </label>
      <Checkbox
        size="xs"
        label="Log scale"
        checked={view.log}
        onChange={({ currentTarget }) => update({ log: currentTarget.checked ? 'yes' : undefined })}
      />
      {view.range === undefined ? (
        <span className="dim">Drag to zoom</span>
      ) : (
        <Button variant="default" onClick={() => update({ range: undefined })}>
          Reset zoom
        </Button>
      )}
    </div>
  );
}

interface MetricChartProps extends MetricChartsProps {
  readonly metric: string;
}

function MetricChart({ project, runs, metric, view, update }: MetricChartProps) {
  const [location, seen] = useSeen<HTMLDivElement>();
  const { lines, points, error } = useMetricLines(project, runs, metric, view, seen);
  if (error !== null) return <ErrorNote error={error} />;
  const last = runs.flatMap((run) => {
    const found = metricOf(run, metric);
    return found === undefined ? [] : [`${run.name}: ${metricText(found.value)} at step ${found.step}`];
  });
  return (
    <div ref={location} className="chart-place">
      {lines !== undefined && (
        <LineChart
          title={metric}
          summary={`Chart of ${metric}, ${points.toLocaleString('en')} points. Latest: ${last.slice(0, 20).join('; ')}`}
          lines={lines}
          log={view.log}
          smoothing={view.smoothing}
          unit={view.axis === 'relative' ? 'duration' : view.axis}
          height={HEIGHT}
          sync="metrics"
          range={view.range}
          onRange={(range) => update({ range: rangeText(range) })}
        />
      )}
    </div>
  );
}
