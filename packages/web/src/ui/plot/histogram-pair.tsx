import './series-style.css';
import { histogramShapes, outlinePath, type Histogram } from './histogram-shape.ts';
import './histogram-pair.css';

export interface HistogramPairProps {
  /** Label of the chart for screen readers. */
  readonly label: string;
  readonly now: Histogram;
  readonly before?: Histogram | undefined;
  /** Names of the two series: `version 3`. */
  readonly titles: { readonly now: string; readonly before: string };
  /** Text of a value of the scale. */
  readonly words: (value: number) => string;
  /** Compact form for a table row: shapes only. */
  readonly small?: boolean;
}

const SMALL = { width: 140, height: 22 };
const LARGE = { width: 560, height: 150 };

/** Current values as bars, previous values as a line. */
export function HistogramPair({ label, now, before, titles, words, small = false }: HistogramPairProps) {
  const found = histogramShapes(before === undefined ? [now] : [now, before]);
  if (found === undefined) return <span className="dim">no values</span>;
  const { width, height } = small ? SMALL : LARGE;
  const [bars = [], line] = found.shapes;
  const picture = (
    <svg
      className="histogram"
      viewBox={`0 0 ${width} ${height}`}
      {...(small ? { width, height } : {})}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      {bars.map((bar) => (
        <rect
          key={`${bar.from} ${bar.to}`}
          x={bar.start * width}
          // Bins above zero stay visible.
          y={height - Math.max(bar.height * (height - 1), bar.count > 0 ? 1 : 0)}
          width={Math.max((bar.end - bar.start) * width - (bars.length > 40 ? 0 : 0.75), 0.75)}
          height={Math.max(bar.height * (height - 1), bar.count > 0 ? 1 : 0)}
        >
          {!small && (
            <title>{`${words(bar.from)} to ${words(bar.to)}: ${bar.count.toLocaleString('en')} (${(bar.share * 100).toFixed(1)} %)`}</title>
          )}
        </rect>
      ))}
      {line !== undefined && <path d={outlinePath(line, width, height - 1)} vectorEffect="non-scaling-stroke" />}
    </svg>
  );
  if (small) return picture;
  return (
    <figure className="histogram-pair">
      {picture}
      <div className="histogram-scale">
        <span>{words(found.low)}</span>
        <span>{words((found.low + found.high) / 2)}</span>
        <span>{words(found.high)}</span>
      </div>
      <figcaption>
        <span className="histogram-key" data-key="now">
          {titles.now}
        </span>
        {before !== undefined && (
          <span className="histogram-key" data-key="before">
            {titles.before}
          </span>
        )}
        <span className="dim">Height: density (share of values per unit).</span>
      </figcaption>
    </figure>
  );
}
