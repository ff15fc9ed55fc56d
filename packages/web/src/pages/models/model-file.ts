/** Reads the file `MLmodel` of a version. Clients write it, so none of its fields is trusted. */
import { parse } from 'yaml';

/** One field of a model's signature: a column, a tensor, a parameter. */
export interface SignatureField {
  readonly name: string;
  readonly type: string;
  readonly optional: boolean;
}

export interface ModelFile {
  readonly inputs: readonly SignatureField[];
  readonly outputs: readonly SignatureField[];
  readonly params: readonly SignatureField[];
  /** Flavors: libraries that can load the model. */
  readonly flavors: readonly string[];
  readonly python: string | undefined;
}

/** Undefined for other files. */
export function parseModelFile(text: string): ModelFile | undefined {
  const file = recordOf(attempt(() => parse(text) as unknown));
  if (file === undefined) return undefined;
  const signature = recordOf(file['signature']) ?? {};
  const flavors = recordOf(file['flavors']) ?? {};
  return {
    inputs: fieldsOf(signature['inputs']),
    outputs: fieldsOf(signature['outputs']),
    params: fieldsOf(signature['params']),
    flavors: Object.keys(flavors),
    python: textOf(recordOf(flavors['python_function'])?.['python_version']),
  };
}

/** Each part of a signature is a list as JSON text. */
function fieldsOf(part: unknown): SignatureField[] {
  const list = typeof part === 'string' ? attempt(() => JSON.parse(part) as unknown) : part;
  if (!Array.isArray(list)) return [];
  return list.flatMap((entry: unknown, at) => {
    const field = recordOf(entry);
    if (field === undefined) return [];
    return [{ name: textOf(field['name']) ?? `[${at}]`, type: typeOf(field), optional: field['required'] === false }];
  });
}

/** `double`, `tensor float32 (-1, 28, 28)`, `array of string`. */
function typeOf(field: Readonly<Record<string, unknown>>): string {
  const type = textOf(field['type']) ?? '?';
  const tensor = recordOf(field['tensor-spec']);
  if (tensor !== undefined) {
    const shape = Array.isArray(tensor['shape']) ? ` (${tensor['shape'].join(', ')})` : '';
    return `tensor ${textOf(tensor['dtype']) ?? ''}${shape}`;
  }
  const items = recordOf(field['items']);
  if (items !== undefined) return `array of ${typeOf(items)}`;
  const properties = recordOf(field['properties']);
  if (properties !== undefined) return `object with ${Object.keys(properties).join(', ')}`;
  return type;
}

function attempt(work: () => unknown): unknown {
  try {
    return work();
  } catch {
    return undefined;
  }
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
