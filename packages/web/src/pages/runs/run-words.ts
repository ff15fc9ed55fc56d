/** How runs and what they logged are written. Pure. */
import type { LatestMetric, Run, RunStatus } from '@dais/api/tracking';
import type { State } from '#ui/state-badge.tsx';

export const RUN_STATES: Readonly<Record<RunStatus, { readonly state: State; readonly word: string }>> = {
  RUNNING: { state: 'running', word: 'running' },
  SCHEDULED: { state: 'waiting', word: 'scheduled' },
  FINISHED: { state: 'ok', word: 'finished' },
  FAILED: { state: 'failed', word: 'failed' },
  KILLED: { state: 'off', word: 'killed' },
};

/** Six digits are more than two runs differ by for a reason; the exact number stands in its title. */
export function metricText(value: LatestMetric['value']): string {
  if (typeof value === 'string') return value;
  if (Number.isInteger(value) && Math.abs(value) < 1e9) return value.toLocaleString('en');
  const short = Number(value.toPrecision(6));
  return Math.abs(short) < 1e-4 || Math.abs(short) >= 1e9 ? short.toExponential() : String(short);
}

/** `1 h 4 min`; undefined while it is not known. `now`: for a run that goes on. */
export function durationMs({ startedAt, endedAt, status }: Run, now: number): number | undefined {
  // 0: the client did not say.
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

/** Of clients that log what the machine did meanwhile. */
export const isSystemMetric = (key: string) => key.startsWith('system/');
/** Tags by which clients tell each other things; people seldom look at them. */
export const isClientTag = (key: string) => key.startsWith('mlflow.');
