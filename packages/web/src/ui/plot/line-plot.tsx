/** The plot with its library: loaded when the first chart becomes visible. */
import 'uplot/dist/uPlot.min.css';
import './line-plot.css';
import { useEffect, useRef } from 'react';
import UPlot from 'uplot';
import { forScale, onCommonPositions, smoothed, type PlotLine } from './plot-lines.ts';
import { seriesStyle } from './series-style.ts';

export interface LinePlotProps {
  readonly lines: readonly PlotLine[];
  readonly log: boolean;
  /** 0 to below 1. */
  readonly smoothing: number;
  /** `time`: seconds since 1970; `duration`: seconds. */
  readonly unit: 'step' | 'time' | 'duration';
  /** Pixels. */
  readonly height: number;
  /** Charts of one name share the cursor. */
  readonly sync: string;
  readonly scheme: 'light' | 'dark';
  /** The visible range; undefined: all. */
  readonly range: readonly [number, number] | undefined;
  /** Called with the dragged range; undefined after a double click. */
  readonly onRange: (range: readonly [number, number] | undefined) => void;
}

export function LinePlot(props: LinePlotProps) {
  const location = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot>(undefined);
  const latest = useRef(props);
  useEffect(() => {
    latest.current = props;
  });
  const { lines, log, smoothing, unit, height, sync, scheme, range } = props;
  const names = JSON.stringify(lines.map((line) => [line.label, line.place, line.low !== undefined]));
  useEffect(() => {
    const parent = location.current;
    if (parent === null) return undefined;
    const made = new UPlot(
      optionsOf(parent, () => latest.current),
      dataOf(latest.current),
      parent,
    );
    plot.current = made;
    const observer = new ResizeObserver(() =>
      made.setSize({ width: parent.clientWidth, height: latest.current.height }),
    );
    observer.observe(parent);
    return () => {
      observer.disconnect();
      made.destroy();
    };
    // Recreated when its structure changes; changed values alone are set below.
  }, [names, log, smoothing > 0, unit, height, sync, scheme]);
  useEffect(() => {
    plot.current?.setData(dataOf(latest.current));
  }, [lines, smoothing, range, names, log, unit, height, sync, scheme]);
  return <div ref={location} className="line-plot" />;
}

/** For each line: its extremes where it has them, the raw line, and the smoothed one over it. */
function columnsOf({ ys, low, high }: PlotLine, log: boolean, smoothing: number) {
  return [
    ...(low !== undefined && high !== undefined ? [forScale(low, log), forScale(high, log)] : []),
    ...(smoothing > 0 ? [forScale(ys, log)] : []),
    forScale(smoothed(ys, smoothing), log),
  ];
}

function dataOf({ lines, log, smoothing }: LinePlotProps): UPlot.AlignedData {
  const { xs, columns } = onCommonPositions(
    lines.map((line) => ({ xs: line.xs, columns: columnsOf(line, log, smoothing) })),
  );
  return [xs as number[], ...(columns as (number | null | undefined)[][])];
}

function optionsOf(parent: HTMLElement, props: () => LinePlotProps): UPlot.Options {
  const { lines, log, smoothing, unit, height, sync } = props();
  const style = getComputedStyle(document.documentElement);
  const token = (name: string) => style.getPropertyValue(name).trim();
  const axis: UPlot.Axis = {
    stroke: token('--dim'),
    font: '11px system-ui, sans-serif',
    grid: { stroke: token('--line'), width: 1 },
    ticks: { stroke: token('--line'), width: 1, size: 4 },
  };
  const series: UPlot.Series[] = [
    { label: { step: 'step', time: 'time', duration: 'after' }[unit], value: positionText(unit) },
  ];
  const bands: UPlot.Band[] = [];
  for (const line of lines) {
    const { color, dash } = seriesStyle(line.place);
    const drawn = (label: string, more: Partial<UPlot.Series>): UPlot.Series => ({
      label,
      stroke: color,
      width: 1.5,
      dash: [...dash],
      spanGaps: false,
      points: { show: line.xs.length <= 1, size: 6 },
      value: (_plot, value) => (value === null || value === undefined ? '–' : numberText(value)),
      ...more,
    });
    if (line.low !== undefined) {
      const edge = { width: 0, points: { show: false }, class: 'plot-quiet' };
      series.push(drawn('', edge), drawn('', edge));
      bands.push({ series: [series.length - 1, series.length - 2], fill: `${color}33` });
    }
    if (smoothing > 0)
      series.push(drawn('', { stroke: `${color}55`, width: 1, points: { show: false }, class: 'plot-quiet' }));
    series.push(drawn(line.label, {}));
  }
  const shown = (_plot: UPlot, first: number | null, last: number | null): [number, number] => {
    const [from, to] = props().range ?? [first ?? 0, last ?? 1];
    // A single point is in the middle.
    return to > from ? [from, to] : [from - 1, to + 1];
  };
  return {
    width: parent.clientWidth,
    height,
    series,
    bands,
    // oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- 3 is logarithmic; the enum is only a type
    scales: { x: { time: unit === 'time', range: shown }, y: log ? { distr: 3 } : {} },
    axes: [
      { ...axis, size: 32, ...(unit === 'duration' && { values: (_plot, positions) => positions.map(durationText) }) },
      {
        ...axis,
        size: 58,
        values: (_plot, positions) => positions.map((position) => (position === null ? '' : numberText(position))),
      },
    ],
    cursor: {
      sync: { key: sync, setSeries: false },
      drag: { x: true, y: false, setScale: false },
      points: { size: 6 },
      bind: {
        dblclick: () => () => {
          props().onRange(undefined);
          return null;
        },
      },
    },
    hooks: {
      setSelect: [
        (plot) => {
          const { left, width } = plot.select;
          if (width < 4) return;
          props().onRange([plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x')]);
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
    },
    legend: { live: true },
  };
}

function positionText(unit: LinePlotProps['unit']): UPlot.Series.Value {
  return (_plot, value: number | null) => {
    if (value === null || value === undefined) return '–';
    if (unit === 'step') return value.toLocaleString('en');
    return unit === 'time' ? new Date(value * 1000).toLocaleString() : durationText(value);
  };
}

function numberText(value: number): string {
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-4 || size >= 1e6) ? value.toExponential(2) : String(Number(value.toPrecision(5)));
}

function durationText(seconds: number): string {
  if (seconds < 120) return `${Number(seconds.toPrecision(3))} s`;
  return seconds < 7200
    ? `${Number((seconds / 60).toPrecision(3))} min`
    : `${Number((seconds / 3600).toPrecision(3))} h`;
}
