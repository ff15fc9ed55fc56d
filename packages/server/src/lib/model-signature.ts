/** The columns of a model's signature, as its MLmodel file has them: `{"inputs": "[{\"name\": …, \"type\": …}]"}`. */

export interface Column {
  readonly name: string | undefined;
  readonly type: string;
  readonly required: boolean;
}

/** The inputs of a model by its signature, columns or tensors; empty if there is none, or one without names. */
export function inputsOf(signature: unknown): readonly Column[] {
  return (entriesOf(signature, 'inputs') ?? []).filter(({ name }) => name !== undefined);
}

/** Undefined when there is no signature, or one of tensors. */
export function columnsOf(signature: unknown, side: 'inputs' | 'outputs'): readonly Column[] | undefined {
  const columns = entriesOf(signature, side);
  return columns === undefined || columns.length === 0 || columns.some(({ type }) => type === 'tensor')
    ? undefined
    : columns;
}

function entriesOf(signature: unknown, side: 'inputs' | 'outputs'): readonly Column[] | undefined {
  const whole = parsed(signature);
  const schema = parsed((whole as Record<string, unknown> | null | undefined)?.[side]);
  if (!Array.isArray(schema)) return undefined;
  return schema.map((entry: Record<string, unknown>) => ({
    name: typeof entry['name'] === 'string' ? entry['name'] : undefined,
    type: String(entry['type']),
    required: entry['required'] !== false,
  }));
}

/** The file has JSON as text within YAML. */
function parsed(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}
