/** Converts typed texts to the parameters of a run. Pure functions. */
import type { PipelineGraph } from '@dais/api/executions';

export type PipelineParameter = PipelineGraph['parameters'][string];

export interface TypedValues {
  readonly values: Readonly<Record<string, unknown>>;
  /** Problems by parameter name. */
  readonly problems: Readonly<Record<string, string>>;
}

/** An empty field has the default; without a default, the parameter is missing. */
export function typedValues(
  parameters: Readonly<Record<string, PipelineParameter>>,
  texts: Readonly<Record<string, string>>,
): TypedValues {
  const values: Record<string, unknown> = {};
  const problems: Record<string, string> = {};
  for (const [name, parameter] of Object.entries(parameters)) {
    const text = texts[name];
    if (text === undefined || (text === '' && parameter.type !== 'string')) {
      if (parameter.default === undefined) problems[name] = 'A value is required: the parameter has no default.';
      continue;
    }
    const value = typed(parameter, text);
    if (value === undefined) problems[name] = `Not a ${parameter.type}.`;
    else values[name] = value;
  }
  return { values, problems };
}

/** The text of a value in a field. */
export function valueText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

function typed({ type, choices }: PipelineParameter, text: string): unknown {
  const chosen = choices?.find((choice) => valueText(choice) === text);
  if (chosen !== undefined || type === 'string') return chosen ?? text;
  try {
    const value: unknown = JSON.parse(text);
    return fits(type, value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function fits(type: PipelineParameter['type'], value: unknown): boolean {
  if (type === 'integer') return Number.isSafeInteger(value);
  if (type === 'list') return Array.isArray(value);
  if (type === 'map') return typeof value === 'object' && value !== null && !Array.isArray(value);
  return typeof value === type;
}
