/** Texts about jobs on model versions. Pure functions. */
import type { ModelJob } from '@dais/api/serving';
import type { State } from '#ui/state-badge.tsx';

export const JOB_STATES: Readonly<Record<ModelJob['state'], { readonly state: State; readonly word: string }>> = {
  pending: { state: 'waiting', word: 'pending' },
  running: { state: 'running', word: 'running' },
  succeeded: { state: 'ok', word: 'succeeded' },
  failed: { state: 'failed', word: 'failed' },
  canceled: { state: 'off', word: 'canceled' },
};

export const JOB_KINDS: Readonly<Record<ModelJob['kind'], string>> = {
  'batch-prediction': 'batch prediction',
  importance: 'feature importance',
  conversion: 'conversion to ONNX',
};

export function hasEnded({ endedAt }: ModelJob): boolean {
  return endedAt !== undefined;
}

/** In percent of the rows that are known so far. */
export function shareOf({ rows, state }: ModelJob): number {
  if (state === 'succeeded') return 100;
  return rows.total === 0 ? 0 : Math.floor((100 * rows.done) / rows.total);
}

/** `412 of 1,000 rows, part 2 of 3 (predict)`. */
export function progressText(job: ModelJob): string {
  const { rows, shards, phase } = job;
  if (job.state === 'pending') return 'Pending.';
  if (rows.total === 0) return phase === '' ? '' : `Phase: ${phase}.`;
  const count = (value: number) => value.toLocaleString('en');
  const part = shards.total > 1 ? `, part ${shards.done} of ${shards.total}` : '';
  const now = phase === '' ? '' : ` (${phase})`;
  return `${count(rows.done)} of ${count(rows.total)} rows${part}${now}`;
}

/** Splits a text into complete lines and the rest. */
export function splitLines(text: string): { readonly lines: readonly string[]; readonly rest: string } {
  const lines = text.split('\n');
  const rest = lines.pop() ?? '';
  return { lines: lines.filter((line) => line !== ''), rest };
}
