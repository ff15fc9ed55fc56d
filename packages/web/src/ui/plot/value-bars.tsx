import './histogram-pair.css';
import './series-style.css';

export interface ValueShare {
  readonly value: string;
  readonly share: number;
  /** Undefined: it is unknown. */
  readonly before?: number | undefined;
  /** Undefined: it is not a share of rows. */
  readonly count?: number | undefined;
}

export interface ValueBarsProps {
  readonly label: string;
  readonly values: readonly ValueShare[];
}

/** Values by frequency, the most frequent first; a mark shows the previous frequency. */
export function ValueBars({ label, values }: ValueBarsProps) {
  const most = Math.max(...values.flatMap(({ share, before = 0 }) => [share, before]), 0);
  const at = (share: number) => (most === 0 ? 0 : (share / most) * 100);
  return (
    <dl className="value-bars" aria-label={label}>
      {values.map(({ value, share, before, count }) => (
        <div key={value}>
          <dt title={value}>{value === '' ? <span className="dim">(empty)</span> : value}</dt>
          <dd>
            <svg viewBox="0 0 100 14" preserveAspectRatio="none" aria-hidden="true">
              <rect x="0" y="2" width={at(share)} height="10" />
              {before !== undefined && (
                <line x1={at(before)} x2={at(before)} y1="0" y2="14" vectorEffect="non-scaling-stroke" />
              )}
            </svg>
          </dd>
          <dd>
            {count?.toLocaleString('en')} <span className="dim">{percent(share)}</span>
            {before !== undefined && <span className="dim"> · was {percent(before)}</span>}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** The same in one line of a table: parts of the total, and the rest. */
export function ValueStrip({ label, values }: ValueBarsProps) {
  const parts: { readonly value: string; readonly share: number; readonly start: number }[] = [];
  let start = 0;
  for (const { value, share } of values) {
    parts.push({ value, share, start });
    start += share;
  }
  return (
    <svg className="value-strip" width="140" height="22" viewBox="0 0 140 22" role="img" aria-label={label}>
      {start < 1 && <rect data-rest x={start * 140} y="6" width={(1 - start) * 140} height="10" />}
      {parts.map((part) => (
        <rect key={part.value} x={part.start * 140} y="6" width={Math.max(part.share * 140 - 1, 0.5)} height="10" />
      ))}
    </svg>
  );
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
