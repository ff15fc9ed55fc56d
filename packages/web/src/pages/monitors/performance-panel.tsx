import type { MonitorHistory, MonitorPerformance, MonitorSeries } from '@dais/api/monitoring';
import { delayText, figure } from './monitor-words.ts';
import { EmptyState } from '#ui/empty-state.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { LineChart } from '#ui/plot/line-chart.tsx';

const TYPES: ReadonlySet<string> = new Set([
  'performance',
  'estimatedPerformance',
  'fairness',
  'slo',
  'attributionDrift',
  'resources',
]);
const ESTIMATED = 'estimatedPerformance';
const MOST_CHARTS = 12;

export interface PerformancePanelProps {
  readonly history: MonitorHistory;
  /** Of the window that is looked at. */
  readonly performance: MonitorPerformance | undefined;
  readonly endpoint: string | undefined;
}

/** How good it was, window by window, with the interval in which the figure lies, its bound, and how late labels come. */
export function PerformancePanel({ history, performance, endpoint }: PerformancePanelProps) {
  // Columns by which it goes are in the picture of columns by windows.
  const series = history.series
    .filter((one) => TYPES.has(one.type) && one.segment === undefined && one.metric !== 'attribution_change')
    .slice(0, MOST_CHARTS);
  return (
    <>
      {performance !== undefined && <Labels performance={performance} />}
      {series.length === 0 ? (
        <EmptyState
          sentence="How good predictions were would be here, once somebody tells what was true, or once a check estimates it."
          command={`dais predictions label ${endpoint ?? 'ENDPOINT'} arrived.csv`}
        >
          <a href="docs/guide/monitor-a-model" target="_blank" rel="noreferrer">
            How a model is watched
          </a>
        </EmptyState>
      ) : (
        <div className="monitor-charts">
          {series.map((one, place) => (
            <Chart
              key={`${one.check} ${one.metric} ${one.column ?? ''}`}
              history={history}
              series={one}
              place={place}
            />
          ))}
        </div>
      )}
      {performance !== undefined && performance.segments.length > 0 && <Segments performance={performance} />}
    </>
  );
}

function chartTitle({ check, type, metric, column }: MonitorSeries): string {
  return `${metric}${column === undefined ? '' : ` of ${column}`} (${type === ESTIMATED ? `${check}, estimated` : check})`;
}

interface ChartProps {
  readonly history: MonitorHistory;
  readonly series: MonitorSeries;
  readonly place: number;
}

function Chart({ history, series, place }: ChartProps) {
  const xs = history.windows.map(({ until }) => until / 1000);
  const bounded = series.bounds.some((bound) => bound !== null);
  const known = series.values.flatMap((value) => value ?? []);
  const band = series.low.some((low) => low !== null);
  return (
    <LineChart
      title={chartTitle(series)}
      summary={`${known.length} windows, the last ${figure(known.at(-1))}`}
      lines={[
        {
          label: series.metric,
          place,
          xs,
          ys: series.values,
          ...(band && { low: series.low, high: series.high }),
        },
        ...(bounded ? [{ label: 'bad from', place: 6, xs, ys: series.bounds }] : []),
      ]}
      log={false}
      smoothing={0}
      unit="time"
      height={220}
      sync="monitor"
      range={undefined}
      onRange={() => {}}
    />
  );
}

function Labels({ performance }: { readonly performance: MonitorPerformance }) {
  const { rows, labelled, strangers, mature, delayP50Ms, delayP95Ms, metrics, task } = performance;
  return (
    <Panel title="What is known of this window">
      <p>
        {labelled.toLocaleString('en')} of {rows.toLocaleString('en')} predictions have a label
        {!mature && labelled < rows && ', and more are waited for'}
        {delayP50Ms !== undefined &&
          `; half of the labels came within ${delayText(delayP50Ms)}${delayP95Ms === undefined ? '' : `, 95 % within ${delayText(delayP95Ms)}`}`}
        .
      </p>
      {strangers > 0 && <p>{strangers.toLocaleString('en')} labels are of no prediction in this window.</p>}
      <PlainTable
        label={`Figures of the ${task}`}
        rows={metrics}
        keyOf={({ metric }) => metric}
        columns={[
          { title: 'Figure', narrow: true, cell: ({ metric }) => metric },
          { title: 'Value', narrow: true, cell: ({ value }) => <b>{figure(value)}</b> },
          {
            title: '95 % interval',
            cell: ({ low, high }) =>
              low === undefined || high === undefined ? '' : `${figure(low)} to ${figure(high)}`,
          },
        ]}
      />
    </Panel>
  );
}

function Segments({ performance: { segments } }: { readonly performance: MonitorPerformance }) {
  const metrics = [...new Set(segments.flatMap((one) => one.metrics.map(({ metric }) => metric)))].slice(0, 6);
  return (
    <Panel title="By segment, in this window" flush>
      <PlainTable
        label="By segment"
        rows={segments}
        keyOf={({ column, value }) => `${column} ${value}`}
        columns={[
          {
            title: 'Segment',
            cell: ({ column, value }) => (
              <>
                <span className="dim">{column} =</span> {value}
              </>
            ),
          },
          { title: 'Labelled', narrow: true, cell: ({ labelled }) => labelled.toLocaleString('en') },
          ...metrics.map((metric) => ({
            title: metric,
            narrow: true,
            cell: (segment: (typeof segments)[number]) =>
              figure(segment.metrics.find((one) => one.metric === metric)?.value),
          })),
        ]}
      />
    </Panel>
  );
}
