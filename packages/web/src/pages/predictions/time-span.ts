/** The time range in the URL. Pure functions. */

const HOUR = 3_600_000;

export const SPANS = [
  { value: '15m', label: 'last 15 minutes', ms: HOUR / 4 },
  { value: '1h', label: 'last hour', ms: HOUR },
  { value: '24h', label: 'last 24 hours', ms: 24 * HOUR },
  { value: '7d', label: 'last 7 days', ms: 168 * HOUR },
  { value: '30d', label: 'last 30 days', ms: 720 * HOUR },
] as const;

export const USUAL_SPAN = '24h';
export const BETWEEN = 'between';

export interface TimeSpan {
  readonly from: number;
  /** Absent: until now. */
  readonly until?: number;
}

export interface SpanQuery {
  readonly time?: string | undefined;
  readonly from?: string | undefined;
  readonly until?: string | undefined;
}

/** An invalid range is the default. */
export function timeSpan({ time = USUAL_SPAN, from, until }: SpanQuery, now: number): TimeSpan {
  const usual = SPANS.find(({ value }) => value === time) ?? SPANS.find(({ value }) => value === USUAL_SPAN);
  const otherwise = { from: now - (usual?.ms ?? 24 * HOUR) };
  if (time !== BETWEEN) return otherwise;
  const [start, end] = [Date.parse(from ?? ''), Date.parse(until ?? '')];
  return {
    from: Number.isNaN(start) ? otherwise.from : start,
    ...(!Number.isNaN(end) && { until: end }),
  };
}

/** For an input of the browser, which has no time zone: the viewer's own. */
export function localText(ms: number): string {
  const at = new Date(ms);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}
