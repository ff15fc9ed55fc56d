/** Texts for versions, sizes and statistics of data. Pure functions. */
import type { DatasetVersion, DatasetVersionState } from '@dais/api/data';
import type { State } from '#ui/state-badge.tsx';

interface LabeledState {
  readonly state: State;
  readonly word: string;
}

export const VERSION_STATES: Readonly<Record<DatasetVersionState, LabeledState>> = {
  building: { state: 'running', word: 'validating' },
  ready: { state: 'ok', word: 'ready' },
  quarantined: { state: 'failed', word: 'quarantined' },
  broken: { state: 'warning', word: 'corrupted' },
  deleted: { state: 'off', word: 'deleted' },
};

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'] as const;

/** `1.4 GB`: powers of 1,024. */
export function bytesText(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

export function countText(count: number): string {
  return count.toLocaleString('en');
}

/** `+1,200`, `−3`; empty without a change. */
export function changeText(change: number): string {
  return change === 0 ? '' : `${change > 0 ? '+' : '−'}${countText(Math.abs(change))}`;
}

/** `12.3 %`; a small share above zero is `< 0.1 %`, and one just below 100 % is `> 99.9 %`. */
export function shareText(share: number): string {
  const percent = share * 100;
  if (percent > 0 && percent < 0.1) return '< 0.1 %';
  if (percent < 100 && percent > 99.9) return '> 99.9 %';
  return `${Number(percent.toFixed(1))} %`;
}

/** Five digits are enough to compare values at a glance. */
export function figureText(value: number | undefined | null): string {
  if (value === undefined || value === null) return '';
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e9 || size < 1e-4)) return value.toExponential(3);
  return Number(value.toPrecision(5)).toLocaleString('en', { maximumFractionDigits: 8 });
}

/** A cell of a table of rows, unchanged. Structures are shown as JSON. */
export function cellText(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

const SOURCES: Readonly<Record<DatasetVersion['source']['type'], string>> = {
  upload: 'uploaded files',
  files: 'objects in a bucket',
  delta: 'a Delta table in a bucket',
  iceberg: 'an Iceberg table in a bucket',
  http: 'HTTP sources',
  postgres: 'a PostgreSQL query',
  mysql: 'a MySQL query',
  query: 'a query over datasets',
  step: 'a pipeline step',
  restore: 'a restored version',
  labels: 'accepted labels',
  features: 'a feature join',
  predictions: 'model predictions',
};

export function sourceText({ type }: DatasetVersion['source']): string {
  return SOURCES[type];
}
