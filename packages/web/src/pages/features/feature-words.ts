/** Texts of features, their freshness and their materialization. Pure functions. */
import type { FeatureStatus, FeatureViewState, Materialization } from '@dais/api/data';
import type { State } from '#ui/state-badge.tsx';

interface LabeledState {
  readonly state: State;
  readonly word: string;
  readonly why?: string;
}

export const WORK_STATES: Readonly<Record<Materialization['state'], LabeledState>> = {
  pending: { state: 'waiting', word: 'pending' },
  running: { state: 'running', word: 'running' },
  succeeded: { state: 'ok', word: 'succeeded' },
  failed: { state: 'failed', word: 'failed' },
  canceled: { state: 'off', word: 'canceled' },
};

export const STATUSES: Readonly<Record<FeatureStatus, LabeledState>> = {
  PRESENT: { state: 'ok', word: 'present' },
  NULL_VALUE: { state: 'off', word: 'empty', why: 'The row exists, and the value is null' },
  NOT_FOUND: { state: 'warning', word: 'not found', why: 'No row has this key' },
  OUTSIDE_MAX_AGE: { state: 'warning', word: 'expired', why: 'The row is older than the TTL of the view' },
};

const UNITS: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** `1h 30m` in milliseconds; 0: of any age. Undefined: an invalid duration. */
export function durationMs(text: string): number | undefined {
  const parts = text.trim().split(/\s+/);
  let sum = 0;
  for (const part of parts) {
    const [, number, unit = ''] = /^(\d+(?:\.\d+)?)(us|ms|s|m|h|d|w)$/.exec(part) ?? [];
    if (number === undefined) return undefined;
    sum += Number(number) * (UNITS[unit] ?? 0);
  }
  return sum;
}

/** Returns whether the online values are as fresh as the view requires. `now` in milliseconds since 1970. */
export function freshness({ online, source, ttl, materializedTo }: FeatureViewState, now: number): LabeledState {
  if (source === 'on demand') return { state: 'ok', word: 'computed on read' };
  if (!online) return { state: 'off', word: 'not online' };
  if (materializedTo === undefined) {
    return source === 'push'
      ? { state: 'off', word: 'pushed', why: 'Clients push the values' }
      : { state: 'waiting', word: 'never materialized', why: 'Nothing was materialized yet' };
  }
  const age = now - Date.parse(materializedTo);
  const most = durationMs(ttl) ?? 0;
  return most > 0 && age > most
    ? {
        state: 'warning',
        word: 'stale',
        why: `The newest materialized values are older than the TTL of the view (${ttl})`,
      }
    : { state: 'ok', word: 'fresh' };
}

/** Integers above 2^53 are sent as text, because a number would be rounded. */
export function keyValue(text: string, type: string): unknown {
  const trimmed = text.trim();
  if (/^(int|float)/.test(type)) {
    const number = Number(trimmed);
    const exact =
      trimmed !== '' && Number.isFinite(number) && (type.startsWith('float') || Number.isSafeInteger(number));
    return exact ? number : trimmed;
  }
  return type === 'boolean' && /^(true|false)$/i.test(trimmed) ? trimmed.toLowerCase() === 'true' : text;
}
