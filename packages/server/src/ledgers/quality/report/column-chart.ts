/** The distribution of a column as SVG, compared with the previous version. Uses shares, so that row counts do not matter. */
import type { ColumnProfile } from '@dais/api/data';
import { sharesOf } from '#lib/statistics/distances.ts';
import { numberText, shareText } from '../checks/formats.ts';
import { escape } from './escape.ts';
import { rebin } from './shifts.ts';

const WIDTH = 264;
const HEIGHT = 84;
const AXIS = 14;
const SHOWN_CLASSES = 6;

export interface ChartPair {
  readonly current: ColumnProfile;
  readonly before?: ColumnProfile | undefined;
}

/** Returns an empty text if there is nothing to draw. */
export function columnChart({ current, before }: ChartPair): string {
  if (current.masked === true || current.count === 0) return '';
  if (current.trues !== undefined) return classChart(booleanClasses(current, before));
  if (current.top !== undefined && (current.family === 'text' || current.topComplete === true)) {
    return classChart(topClasses(current, before));
  }
  return current.histogram === undefined ? '' : histogramChart(current, current.histogram, before);
}

interface Class {
  readonly name: string;
  readonly share: number;
  readonly before?: number;
}

function booleanClasses(current: ColumnProfile, before: ColumnProfile | undefined): readonly Class[] {
  const share = ({ trues = 0, count }: ColumnProfile) => (count === 0 ? 0 : trues / count);
  const earlier = before?.trues === undefined ? undefined : share(before);
  return [
    { name: 'true', share: share(current), ...(earlier !== undefined && { before: earlier }) },
    { name: 'false', share: 1 - share(current), ...(earlier !== undefined && { before: 1 - earlier }) },
  ];
}

function topClasses(current: ColumnProfile, before: ColumnProfile | undefined): readonly Class[] {
  const top = current.top ?? [];
  const earlier = before?.top === undefined || before.count === 0 ? undefined : before;
  const counts = new Map(earlier?.top?.map(({ value, count }) => [JSON.stringify(value), count]));
  const shown = top.slice(0, top.length > SHOWN_CLASSES ? SHOWN_CLASSES - 1 : SHOWN_CLASSES);
  const classes = shown.map(({ value, count }): Class => {
    const then = (counts.get(JSON.stringify(value)) ?? 0) / (earlier?.count ?? 1);
    return { name: String(value), share: count / current.count, ...(earlier !== undefined && { before: then }) };
  });
  const rest = 1 - classes.reduce((sum, { share }) => sum + share, 0);
  if (rest <= 1e-9) return classes;
  const restBefore = 1 - classes.reduce((sum, one) => sum + (one.before ?? 0), 0);
  const others = Math.max(0, current.distinct - shown.length);
  const name = others > 0 ? `${numberText(others)} others` : 'others';
  return [...classes, { name, share: rest, ...(earlier !== undefined && { before: Math.max(0, restBefore) }) }];
}

function classChart(classes: readonly Class[]): string {
  const row = 14;
  const [left, right] = [96, 44];
  const most = Math.max(...classes.flatMap(({ share, before = 0 }) => [share, before]), 1e-9);
  const width = (share: number) => round(((WIDTH - left - right) * share) / most);
  const bars = classes.map(({ name, share, before }, i) => {
    const y = i * row;
    const short = name.length > 15 ? `${name.slice(0, 14)}…` : name;
    const then =
      before === undefined ? '' : `<rect class="was" x="${left}" y="${y + 2}" width="${width(before)}" height="10"/>`;
    const title = `${name}: ${shareText(share)}${before === undefined ? '' : `, previous ${shareText(before)}`}`;
    return `<g><title>${escape(title)}</title><text class="name" x="${left - 6}" y="${y + 10}">${escape(short === '' ? '(empty)' : short)}</text>${then}<rect class="is" x="${left}" y="${y + 4}" width="${width(share)}" height="6"/><text x="${WIDTH}" y="${y + 10}" text-anchor="end">${escape(shareText(share))}</text></g>`;
  });
  return svg(classes.length * row + 2, bars.join(''), `Shares of ${classes.length} values`);
}

function histogramChart(
  current: ColumnProfile,
  { edges, counts }: NonNullable<ColumnProfile['histogram']>,
  before: ColumnProfile | undefined,
): string {
  const now = sharesOf(counts);
  const then = before?.histogram === undefined ? undefined : sharesOf(rebin(before.histogram, edges));
  const most = Math.max(...now, ...(then ?? []), 1e-9);
  const high = HEIGHT - AXIS;
  const step = WIDTH / counts.length;
  const time = current.family === 'time';
  const label = (value: number) => (time ? new Date(value).toISOString().slice(0, 10) : numberText(value));
  const bar = (share: number, i: number, kind: string) => {
    const height = share === 0 ? 0 : Math.max(1, round((high * share) / most));
    return `<rect class="${kind}" x="${round(i * step + 0.5)}" y="${round(high - height)}" width="${round(Math.max(1, step - 1))}" height="${height}"/>`;
  };
  const bars = now.map((share, i) => {
    const earlier = then?.[i];
    const title = `${label(edges[i] ?? 0)} to ${label(edges[i + 1] ?? 0)}: ${shareText(share)}${earlier === undefined ? '' : `, previous ${shareText(earlier)}`}`;
    const was = earlier === undefined ? '' : bar(earlier, i, 'was');
    return `<g><title>${escape(title)}</title>${was}${bar(share, i, 'is')}</g>`;
  });
  const axis = `<line class="axis" x1="0" x2="${WIDTH}" y1="${high}" y2="${high}"/><text x="0" y="${HEIGHT - 2}">${escape(label(edges[0] ?? 0))}</text><text x="${WIDTH}" y="${HEIGHT - 2}" text-anchor="end">${escape(label(edges.at(-1) ?? 0))}</text>`;
  return svg(HEIGHT, bars.join('') + axis, `Distribution of ${current.name}`);
}

function svg(height: number, inner: string, label: string): string {
  return `<svg role="img" aria-label="${escape(label)}" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}">${inner}</svg>`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
