/**
 * The content of a span, by the attribute names of the tracing libraries. Some values are JSON as text. Pure functions.
 */
import type { Span } from '@dais/api/tracking';

const INPUTS = [
  'mlflow.spanInputs',
  'input.value',
  'gen_ai.input.messages',
  'gen_ai.tool.call.arguments',
  'traceloop.entity.input',
];
const OUTPUTS = [
  'mlflow.spanOutputs',
  'output.value',
  'gen_ai.output.messages',
  'gen_ai.tool.call.result',
  'traceloop.entity.output',
];
const TYPES = ['mlflow.spanType', 'openinference.span.kind', 'traceloop.span.kind', 'gen_ai.operation.name'];
const OWN = new Set([...INPUTS, ...OUTPUTS, ...TYPES, 'mlflow.spanFunctionName', 'mlflow.traceRequestId']);

export interface SpanContent {
  readonly type: string | undefined;
  readonly inputs: string | undefined;
  readonly outputs: string | undefined;
  /** All other attributes, as text. */
  readonly attributes: readonly (readonly [string, string])[];
}

export function spanContent({ attributes = {} }: Pick<Span, 'attributes'>): SpanContent {
  const first = (keys: readonly string[]) => keys.map((key) => attributes[key]).find((value) => value !== undefined);
  const type = decoded(first(TYPES));
  const inputs = first(INPUTS);
  const outputs = first(OUTPUTS);
  return {
    type: typeof type === 'string' ? type : undefined,
    inputs: inputs === undefined ? undefined : pretty(inputs),
    outputs: outputs === undefined ? undefined : pretty(outputs),
    attributes: Object.entries(attributes)
      .filter(([key]) => !OWN.has(key))
      .map(([key, value]) => [key, pretty(value)]),
  };
}

/** Parses JSON text; returns other text unchanged. */
function decoded(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

export function pretty(value: unknown): string {
  const meant = decoded(value);
  return typeof meant === 'string' ? meant : (JSON.stringify(plain(meant), undefined, 2) ?? '');
}

/** Removes the type tags of numbers and bytes: `{"@": ["double", 1]}` is 1. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value);
  const marked = entries.length === 1 && entries[0]?.[0] === '@' ? (entries[0][1] as unknown) : undefined;
  if (Array.isArray(marked) && marked.length === 2) return plain(marked[1]);
  return Object.fromEntries(entries.map(([key, inner]) => [key, plain(inner)]));
}
