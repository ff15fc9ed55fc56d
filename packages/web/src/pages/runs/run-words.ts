/** Texts of runs and their logged values. Pure functions. */
import type { LatestMetric, Run, RunStatus } from '@dais/api/tracking';
import type { State } from '#ui/state-badge.tsx';

export const RUN_STATES: Readonly<Record<RunStatus, { readonly state: State; readonly word: string }>> = {
  RUNNING: { state: 'running', word: 'running' },
  SCHEDULED: { state: 'waiting', word: 'scheduled' },
  FINISHED: { state: 'ok', word: 'finished' },
  FAILED: { state: 'failed', word: 'failed' },
  KILLED: { state: 'off', word: 'killed' },
};

/** Differences beyond six digits are rarely meaningful; the exact number is in the tooltip. */
export function metricText(value: LatestMetric['value']): string {
  if (typeof value === 'string') return value;
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return value.toLocaleString('en');
  const short = Number(value.toPrecision(6));
  return Math.abs(short) < 1e-4 || Math.abs(short) >= 1e9 ? short.toExponential() : String(short);
}

/** `1 h 4 min`; undefined while it is unknown. `now`: for a running run. */
export function durationMs({ startedAt, endedAt, status }: Run, now: number): number | undefined {
  // 0: the client sent no time.
  if (startedAt <= 0) return undefined;
  const end = endedAt ?? (status === 'RUNNING' ? now : undefined);
  return end === undefined || end < startedAt ? undefined : end - startedAt;
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
] as const;

export function durationText(ms: number | undefined): string {
  if (ms === undefined) return '–';
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const at = UNITS.findIndex(([, size]) => ms >= size);
  const [unit, size] = UNITS[at] ?? ['min', 60_000];
  const [smaller, part] = UNITS[at + 1] ?? ['s', 1000];
  return `${Math.floor(ms / size)} ${unit} ${Math.floor((ms % size) / part)} ${smaller}`;
}

/** Prefix of system metrics that clients log. */
export const isSystemMetric = (key: string) => key.startsWith('system/');
/** Tags that clients use internally; users rarely need them. */
export const isClientTag = (key: string) => key.startsWith('mlflow.');
