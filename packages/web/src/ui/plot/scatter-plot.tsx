import type { PlotThing } from './parallel-plot.tsx';
import { seriesVariable } from './series-style.ts';
import { valueScale } from './value-scale.ts';
import './parallel-plot.css';

export interface ScatterPlotProps {
  readonly label: string;
  /** Names of the axes. */
  readonly across: string;
  readonly up: string;
  /** The first two values are the position. */
  readonly things: readonly PlotThing[];
}

const [WIDTH, HEIGHT] = [1000, 420];
const [LEFT, RIGHT, TOP, BOTTOM] = [80, 30, 30, 46];

/** A scatter plot, one point for each item. */
export function ScatterPlot({ label, across, up, things }: ScatterPlotProps) {
  const xs = valueScale(things.map(({ values }) => values[0]));
  const ys = valueScale(things.map(({ values }) => values[1]));
  const x = (share: number) => LEFT + 12 + (WIDTH - LEFT - RIGHT - 24) * share;
  const y = (share: number) => TOP + 12 + (HEIGHT - TOP - BOTTOM - 24) * (1 - share);
  const points = things.flatMap((thing) => {
    const [at, height] = [xs.at(thing.values[0]), ys.at(thing.values[1])];
    return at === undefined || height === undefined ? [] : [{ thing, cx: x(at), cy: y(height) }];
  });
  return (
    <div className="scatter scroll-x" role="region" aria-label={label} tabIndex={0}>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={`${label}: ${points.length} points`}>
        {xs.ticks.map(({ at, label: text }) => (
          <g key={text}>
            <line x1={x(at)} x2={x(at)} y1={TOP} y2={HEIGHT - BOTTOM} className="scatter-grid" />
            <text x={x(at)} y={HEIGHT - BOTTOM + 16} textAnchor="middle" className="parallel-tick">
              {text}
            </text>
          </g>
        ))}
        {ys.ticks.map(({ at, label: text }) => (
          <g key={text}>
            <line x1={LEFT} x2={WIDTH - RIGHT} y1={y(at)} y2={y(at)} className="scatter-grid" />
            <text x={LEFT - 8} y={y(at) + 4} textAnchor="end" className="parallel-tick">
              {text}
            </text>
          </g>
        ))}
        <text x={WIDTH - RIGHT} y={HEIGHT - 8} textAnchor="end" className="scatter-title">
          {across}
        </text>
        <text x={LEFT - 60} y={18} className="scatter-title">
          {up}
        </text>
        {points.map(({ thing, cx, cy }) => (
          <circle key={thing.id} cx={cx} cy={cy} r={6} fill={seriesVariable(thing.place)} className="scatter-point">
            <title>{`${thing.label}: ${across} ${thing.values[0] ?? ''}, ${up} ${thing.values[1] ?? ''}`}</title>
          </circle>
        ))}
      </svg>
    </div>
  );
}
