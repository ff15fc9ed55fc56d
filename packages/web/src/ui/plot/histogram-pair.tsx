import './series-look.css';
import { histogramShapes, outlinePath, type Histogram } from './histogram-shape.ts';
import './histogram-pair.css';

export interface HistogramPairProps {
  /** Says to those who cannot see it what the picture is of. */
  readonly label: string;
  readonly now: Histogram;
  readonly before?: Histogram | undefined;
  /** What the two are called: `version 3`. */
  readonly titles: { readonly now: string; readonly before: string };
  /** A value of the scale in words. */
  readonly words: (value: number) => string;
  /** As a row of a table has it: nothing but the shapes. */
  readonly small?: boolean;
}

const SMALL = { width: 140, height: 22 };
const LARGE = { width: 560, height: 150 };

/** Values now as bars, those before as a line over them. */
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
          // A bin with anything in it is seen.
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
