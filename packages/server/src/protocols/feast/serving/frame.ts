/** Converts columns of Feast clients to columns of Dais. */
import type { ValueType } from '@dais/api/data';
import { invalid } from '../feast-errors.ts';

export type Frame = Readonly<Record<string, readonly unknown[]>>;

/** The names of both time columns for clients whose store hides the names of the view. */
const STORE_TIMES = { event: 'event_timestamp', created: 'created' } as const;

/** A FeatureView with the fields that concern its rows. */
export interface FrameView {
  readonly eventTime?: string | undefined;
  readonly createdTime?: string | undefined;
  readonly features: readonly { readonly name: string; readonly type: ValueType }[];
  /** Column names of the view by name in Dais. */
  readonly columns?: Readonly<Record<string, string>> | undefined;
}

/**
 * Returns the columns of the view under its own names.
 * @throws FeastError with column and row of an invalid time, or for columns of different lengths
 */
export function framed(frame: Frame, view: FrameView, joinKeys: readonly string[]): Record<string, unknown[]> {
  const counts = new Set(Object.values(frame).map((values) => values.length));
  if (counts.size > 1) throw invalid(`The columns of \`df\` have different lengths: ${[...counts].join(', ')}.`);
  const columns: Record<string, unknown[]> = {};
  const take = (ours: string, theirs: readonly string[], as: (value: unknown, row: number) => unknown) => {
    const found = theirs.find((name) => Object.hasOwn(frame, name));
    if (found !== undefined) columns[ours] = (frame[found] ?? []).map((value, row) => as(value, row));
  };
  const named = (ours: string) => [ours, ...[view.columns?.[ours] ?? []].flat()];
  for (const key of joinKeys) take(key, named(key), (value) => value);
  for (const { name, type } of view.features) take(name, named(name), (value, row) => valueOf(type, value, name, row));
  const event = view.eventTime ?? STORE_TIMES.event;
  take(event, [event, STORE_TIMES.event], (value, row) => momentText(value, event, row));
  const created = view.createdTime;
  if (created !== undefined) {
    take(created, [created, STORE_TIMES.created], (value, row) => momentText(value, created, row));
  }
  return columns;
}

/** Times are seconds since 1970 in transit, if a feature is one. */
function valueOf(type: ValueType, value: unknown, column: string, row: number): unknown {
  if (value === null || value === undefined) return null;
  if (type === 'timestamp') return typeof value === 'number' ? secondsText(value) : momentText(value, column, row);
  if (type === 'list<timestamp>' && Array.isArray(value)) {
    return value.map((one: unknown) => (typeof one === 'number' ? secondsText(one) : momentText(one, column, row)));
  }
  return value;
}

function secondsText(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}

const MOMENT =
  /^(?<date>\d{4}-\d{2}-\d{2})(?:[T ](?<time>\d{2}:\d{2}(?::\d{2})?)(?<fraction>\.\d{1,9})?)?\s*(?<zone>Z|z|[+-]\d{2}:?\d{2}|UTC)?$/;

/**
 * Converts a time of Python to RFC 3339; without a zone it is UTC, as in Feast. Digits beyond microseconds are truncated.
 * @throws FeastError with column and row
 */
export function momentText(value: unknown, column: string, row?: number): string | null {
  if (value === null || value === undefined) return null;
  const input = typeof value === 'string' ? value : JSON.stringify(value);
  const { date, time = '00:00', fraction = '', zone = 'Z' } = MOMENT.exec(input.trim())?.groups ?? {};
  const whole = time.length === 5 ? `${time}:00` : time;
  const offset = /^z$|^UTC$/i.test(zone) ? 'Z' : zone.replace(/^([+-]\d{2}):?(\d{2})$/, '$1:$2');
  const text = `${date}T${whole}${fraction.slice(0, 7)}${offset}`;
  if (date === undefined || Number.isNaN(Date.parse(text))) {
    const where = row === undefined ? '' : ` in row ${row + 1}`;
    throw invalid(
      `"${input.slice(0, 100)}"${where} of \`${column}\` is not a time. Use the format 2026-11-01T06:00:00Z.`,
    );
  }
  return text;
}
