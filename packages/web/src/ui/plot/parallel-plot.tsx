/**
 * Parallel coordinates, one line for each item. Drawn without a library: ECharts with only this chart and points is 163
 * KB gzipped, above the budget of a page, and a hundred lines need no canvas.
 */
import { useState } from 'react';
import { seriesVariable } from './series-style.ts';
import { valueScale, type ValueScale } from './value-scale.ts';
import './parallel-plot.css';

export interface PlotThing {
  readonly id: string;
  readonly label: string;
  /** Index of the series on the page, which determines its color. */
  readonly place: number;
  /** One for each axis. */
  readonly values: readonly (string | number | undefined)[];
}

export interface ParallelPlotProps {
  readonly label: string;
  readonly axes: readonly { readonly id: string; readonly title: string }[];
  readonly things: readonly PlotThing[];
}

const [WIDTH, HEIGHT] = [1000, 380];
const [TOP, BOTTOM, SIDE] = [40, 20, 70];

const NEAR_END = 0.03;

type Range = readonly [number, number];

export function ParallelPlot({ label, axes, things }: ParallelPlotProps) {
  const [over, setOver] = useState<string>();
  const [ranges, setRanges] = useState<Readonly<Record<string, Range | undefined>>>({});
  const scales = axes.map((_, at) => valueScale(things.map(({ values }) => values[at])));
  const x = (at: number) => (axes.length < 2 ? WIDTH / 2 : SIDE + ((WIDTH - 2 * SIDE) * at) / (axes.length - 1));
  const y = (share: number) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - share);
  const isIn = ({ values }: PlotThing) =>
    axes.every(({ id }, at) => {
      const range = ranges[id];
      const share = scales[at]?.at(values[at]);
      return range === undefined || (share !== undefined && share >= range[0] && share <= range[1]);
    });
  const drawn = things.map((thing) => ({ ...thing, kept: isIn(thing), points: pointsOf(thing, scales, x, y) }));
  // Highlighted and hovered lines are drawn on top.
  const ordered = drawn.toSorted(
    (a, b) => Number(a.kept) - Number(b.kept) || Number(a.id === over) - Number(b.id === over),
  );
  const named = things.find(({ id }) => id === over)?.label;
  const kept = drawn.filter((thing) => thing.kept).length;
  return (
    <div className="parallel">
      <p className="dim" role="status">
        {kept === things.length ? 'Drag along an axis to filter. ' : `${kept} of ${things.length} selected. `}
        {named}
      </p>
      <div className="scroll-x" role="region" aria-label={label} tabIndex={0}>
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`${label}: ${things.length} lines`}>
          {ordered.map(({ id, label: name, place, kept: isKept, points }) => (
            <polyline
              key={id}
              points={points}
              stroke={seriesVariable(place)}
              className={isKept ? 'parallel-line' : 'parallel-line parallel-out'}
              data-over={id === over || undefined}
              onPointerEnter={() => setOver(id)}
              onPointerLeave={() => setOver(undefined)}
            >
              <title>{name}</title>
            </polyline>
          ))}
          {axes.map(({ id, title }, at) => (
            <Axis
              key={id}
              title={title}
              scale={scales[at]}
              x={x(at)}
              y={y}
              range={ranges[id]}
              onRange={(range) => setRanges((before) => ({ ...before, [id]: range }))}
            />
          ))}
        </svg>
      </div>
    </div>
  );
}

function pointsOf(
  { values }: PlotThing,
  scales: readonly ValueScale[],
  x: (at: number) => number,
  y: (share: number) => number,
): string {
  return scales
    .flatMap((scale, at) => {
      const share = scale.at(values[at]);
      return share === undefined ? [] : [`${x(at).toFixed(1)},${y(share).toFixed(1)}`];
    })
    .join(' ');
}

interface AxisProps {
  readonly title: string;
  readonly scale: ValueScale | undefined;
  readonly x: number;
  readonly y: (share: number) => number;
  readonly range: Range | undefined;
  readonly onRange: (range: Range | undefined) => void;
}

function Axis({ title, scale, x, y, range, onRange }: AxisProps) {
  const [from, setFrom] = useState<number>();
  const shareOf = (event: React.PointerEvent<SVGRectElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    const share = 1 - (event.clientY - box.top) / box.height;
    // The ends are hard to hit.
    return share < NEAR_END ? 0 : share > 1 - NEAR_END ? 1 : share;
  };
  const extend = (event: React.PointerEvent<SVGRectElement>) => {
    if (from === undefined) return;
    const to = shareOf(event);
    onRange(Math.abs(to - from) < 0.02 ? undefined : [Math.min(from, to), Math.max(from, to)]);
  };
  return (
    <g>
      <text x={x} y={TOP - 18} className="parallel-title">
        {title.length > 22 ? `${title.slice(0, 21)}…` : title}
        <title>{title}</title>
      </text>
      <line x1={x} x2={x} y1={y(0)} y2={y(1)} className="parallel-axis" />
      {scale?.ticks.map(({ at, label }) => (
        <text key={label} x={x + 6} y={y(at) + 4} className="parallel-tick">
          {label}
        </text>
      ))}
      {range !== undefined && (
        <rect x={x - 7} width={14} y={y(range[1])} height={y(range[0]) - y(range[1])} className="parallel-range" />
      )}
      <rect
        x={x - 12}
        width={24}
        y={y(1)}
        height={y(0) - y(1)}
        className="parallel-grip"
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          setFrom(shareOf(event));
        }}
        onPointerMove={extend}
        onPointerUp={(event) => {
          extend(event);
          setFrom(undefined);
        }}
      />
    </g>
  );
}
