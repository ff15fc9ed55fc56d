/** Results of attempts as texts. Pure functions. */
import type { ExecutionAttempt } from '@dais/api/executions';
import { bytesText, type StateWords } from './execution-words.ts';
import { durationText } from '#pages/runs/run-words.ts';

const ENDINGS: Readonly<Record<NonNullable<ExecutionAttempt['ending']>, StateWords>> = {
  exit: { state: 'ok', word: 'ended' },
  canceled: { state: 'off', word: 'canceled' },
  'wall-time': { state: 'failed', word: 'timed out' },
  'out-of-memory': { state: 'failed', word: 'out of memory' },
  'too-many-processes': { state: 'failed', word: 'too many processes' },
  'disk-full': { state: 'failed', word: 'out of disk' },
  refused: { state: 'failed', word: 'failed to start' },
  lost: { state: 'warning', word: 'lost' },
  cached: { state: 'ok', word: 'not needed' },
};

export function attemptState({ state, ending, code, signal }: ExecutionAttempt): StateWords {
  if (state === 'claimed') return { state: 'waiting', word: 'starting' };
  if (state === 'started') return { state: 'running', word: 'running' };
  if (ending !== 'exit') return ENDINGS[ending ?? 'lost'];
  if (code === 0) return { state: 'ok', word: 'exit code 0' };
  return { state: 'failed', word: code === undefined ? (signal ?? 'ended by a signal') : `exit code ${code}` };
}

/** What a step waits for, as its target reports it: `Waits for a node.` */
export function noteSentence(note: string): string {
  return `${note.charAt(0).toUpperCase()}${note.slice(1).replace(/\.$/, '')}.`;
}

/** `3.2 s, 2.9 s of CPU time, 120 MB peak memory`. */
export function usageText({ wallMs, cpuMs, peakMemoryBytes }: ExecutionAttempt): string {
  return [
    ...(wallMs === undefined ? [] : [durationText(wallMs)]),
    ...(cpuMs === undefined ? [] : [`${durationText(cpuMs)} of CPU time`]),
    ...(peakMemoryBytes === undefined || peakMemoryBytes === 0 ? [] : [`${bytesText(peakMemoryBytes)} peak memory`]),
  ].join(', ');
}

const AMOUNTS: Readonly<Record<string, (value: number) => string>> = {
  cpu: (value) => `${value} ${value === 1 ? 'core' : 'cores'}`,
  memory: (value) => `${bytesText(value)} of memory`,
  disk: (value) => `${bytesText(value)} of disk`,
};

/** `2 cores, 4 GB of memory`; undefined without a request. */
export function resourcesText(resources: Readonly<Record<string, number>>): string | undefined {
  const parts = Object.entries(resources).map(([name, value]) => AMOUNTS[name]?.(value) ?? `${value} × ${name}`);
  return parts.length === 0 ? undefined : parts.join(', ');
}
