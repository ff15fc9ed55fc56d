import { countNoun } from '@dais/api';
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
  /** Of the selected window. */
  readonly performance: MonitorPerformance | undefined;
  readonly endpoint: string | undefined;
}

/** Performance by window: the metric with its confidence interval, its threshold, and the delay of ground truth. */
export function PerformancePanel({ history, performance, endpoint }: PerformancePanelProps) {
  // Slices by columns are in the heat map.
  const series = history.series
    .filter((one) => TYPES.has(one.type) && one.segment === undefined && one.metric !== 'attribution_change')
    .slice(0, MOST_CHARTS);
  return (
    <>
      {performance !== undefined && <Labels performance={performance} />}
      {series.length === 0 ? (
        <EmptyState
          sentence="No performance metrics yet. Upload ground truth, or add a check that estimates performance."
          command={`dais predictions label ${endpoint ?? 'ENDPOINT'} arrived.csv`}
        >
          <a href="docs/guide/monitor-a-model" target="_blank" rel="noreferrer">
            Guide: monitor a model
          </a>
        </EmptyState>
      ) : (
        <div className="monitor-charts">
          {series.map((one, position) => (
            <Chart
              key={`${one.check} ${one.metric} ${one.column ?? ''}`}
              history={history}
              series={one}
              place={position}
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
  const hasThreshold = series.thresholds.some((threshold) => threshold !== null);
  const known = series.values.flatMap((value) => value ?? []);
  const band = series.low.some((low) => low !== null);
  return (
    <LineChart
      title={chartTitle(series)}
      summary={`${countNoun(known.length, 'window')}, latest value ${figure(known.at(-1))}`}
      lines={[
        {
          label: series.metric,
          place,
          xs,
          ys: series.values,
          ...(band && { low: series.low, high: series.high }),
        },
        ...(hasThreshold ? [{ label: 'threshold', place: 6, xs, ys: series.thresholds }] : []),
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
  const { rows, labeled, unmatched, mature, delayP50Ms, delayP95Ms, metrics, task } = performance;
  return (
    <Panel title="Ground truth of this window">
      <p>
        {labeled.toLocaleString('en')} of {rows.toLocaleString('en')} predictions have ground truth
        {!mature && labeled < rows && '; more can still arrive'}
        {delayP50Ms !== undefined &&
          `; label delay: median ${delayText(delayP50Ms)}${delayP95Ms === undefined ? '' : `, p95 ${delayText(delayP95Ms)}`}`}
        .
      </p>
      {unmatched > 0 && <p>{unmatched.toLocaleString('en')} labels match no prediction in this window.</p>}
      <PlainTable
        label={`Metrics of the ${task}`}
        rows={metrics}
        keyOf={({ metric }) => metric}
        columns={[
          { title: 'Metric', narrow: true, cell: ({ metric }) => metric },
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
    <Panel title="Segments in this window" flush>
      <PlainTable
        label="Segments"
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
          { title: 'Labeled', narrow: true, cell: ({ labeled }) => labeled.toLocaleString('en') },
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
