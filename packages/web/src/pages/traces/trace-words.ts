/** Texts of traces. Pure functions. */
import type { Assessment, SpanStatus, Trace, TraceState } from '@dais/api/tracking';
import type { State } from '#ui/state-badge.tsx';

export const TRACE_STATES: Readonly<Record<TraceState, { readonly state: State; readonly word: string }>> = {
  OK: { state: 'ok', word: 'ok' },
  ERROR: { state: 'failed', word: 'failed' },
  IN_PROGRESS: { state: 'running', word: 'in progress' },
  UNSPECIFIED: { state: 'off', word: 'unset' },
};

export const SPAN_STATES: Readonly<Record<SpanStatus, { readonly state: State; readonly word: string }>> = {
  OK: { state: 'ok', word: 'ok' },
  ERROR: { state: 'failed', word: 'failed' },
  UNSET: { state: 'off', word: 'unset' },
};

const NAME = 'mlflow.traceName';
/** Tags that clients use internally. */
const CLIENTS = /^_?mlflow\./;

export function traceName({ tags, id }: Pick<Trace, 'tags' | 'id'>): string {
  return tags[NAME] ?? id;
}

/** Tags that users set. */
export function ownTags({ tags }: Pick<Trace, 'tags'>): readonly (readonly [string, string])[] {
  return Object.entries(tags).filter(([key]) => !CLIENTS.test(key));
}

/** `correctness = true`. */
function valueText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

export function assessmentText({ name, value, error }: Pick<Assessment, 'name' | 'value' | 'error'>): string {
  return error === undefined ? `${name} = ${valueText(value)}` : `${name}: evaluation failed`;
}

/** Parses a typed assessment: `true`, `0.8` and JSON by their types, everything else as text. */
export function typedValue(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

export function tokensOf({ usage }: Pick<Trace, 'usage'>): number | undefined {
  if (usage === undefined) return undefined;
  return usage['total_tokens'] ?? (usage['input_tokens'] ?? 0) + (usage['output_tokens'] ?? 0);
}

const USD = new Intl.NumberFormat('en', { style: 'currency', currency: 'USD', maximumSignificantDigits: 3 });

export function costText(amount: number): string {
  return USD.format(amount);
}
