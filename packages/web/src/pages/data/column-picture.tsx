import type { ColumnProfile } from '@dais/api/data';
import { cellText, figureText } from './data-words.ts';
import { HistogramPair } from '#ui/plot/histogram-pair.tsx';
import { ValueBars, ValueStrip, type ValueShare } from '#ui/plot/value-bars.tsx';

export interface ColumnPictureProps {
  readonly now: ColumnProfile;
  readonly before: ColumnProfile | undefined;
  readonly titles: { readonly now: string; readonly before: string };
  /** Compact form for a table row. */
  readonly small?: boolean;
}

/** The distribution of a column compared with the previous version. */
export function ColumnPicture({ now, before, titles, small = false }: ColumnPictureProps) {
  if (now.masked === true) {
    return <span className="dim">{small ? 'masked' : 'The values are masked for you.'}</span>;
  }
  if (now.count === 0) return <span className="dim">{small ? 'empty' : 'The column has no values.'}</span>;
  if (now.histogram !== undefined) {
    return (
      <HistogramPair
        label={`Distribution of ${now.name}`}
        now={now.histogram}
        before={before?.histogram}
        titles={titles}
        words={now.family === 'time' ? timeText : figureText}
        small={small}
      />
    );
  }
  const shares = valueShares(now, before);
  if (shares.length === 0) return small ? null : <span className="dim">No chart is available for this type.</span>;
  return small ? (
    <ValueStrip label={`Values of ${now.name}`} values={shares} />
  ) : (
    <>
      <ValueBars label={`Values of ${now.name}`} values={shares} />
      {now.topComplete === false && <p className="dim">Only the most frequent values are shown.</p>}
    </>
  );
}

/** Undefined for `before` where it is unknown: the list has only the most frequent values. */
function valueShares(now: ColumnProfile, before: ColumnProfile | undefined): readonly ValueShare[] {
  if (now.trues !== undefined) {
    return [true, false].map((value) => ({
      value: String(value),
      count: boolCount(now, value),
      share: boolCount(now, value) / now.count,
      ...(before !== undefined && before.count > 0 && { before: boolCount(before, value) / before.count }),
    }));
  }
  const was = new Map(before?.top?.map(({ value, count }) => [value, count]));
  return (now.top ?? []).map(({ value, count }) => {
    const then = was.get(value) ?? (before?.topComplete === true ? 0 : undefined);
    return {
      value: cellText(value),
      count,
      share: count / now.count,
      ...(then !== undefined && before !== undefined && before.count > 0 && { before: then / before.count }),
    };
  });
}

function boolCount({ trues = 0, count }: ColumnProfile, value: boolean): number {
  return value ? trues : count - trues;
}

const DAY_MS = 86_400_000;

/** A time in UTC, as data is stored; midnight is shown without the hour. */
export function timeText(ms: number): string {
  if (!Number.isFinite(ms) || Math.abs(ms) > 8.64e15) return figureText(ms);
  const text = new Date(ms).toISOString();
  return ms % DAY_MS === 0 ? text.slice(0, 10) : text.slice(0, 16).replace('T', ' ');
}
