/** The inputs of a model as form fields, and the body of their values. Pure functions. */
import type { EndpointContract } from '@dais/api/serving';

type Input = EndpointContract['inputs'][number];

export interface TryField {
  readonly input: Input;
  /** Index of the element in a row of its input. */
  readonly at: number;
  readonly label: string;
}

/** Maximum number of fields of a form. */
const MOST_FIELDS = 40;

/** One field for each number or text of a row; undefined where the row size is open or too large. */
export function fieldsOf(inputs: readonly Input[]): readonly TryField[] | undefined {
  const fields: TryField[] = [];
  for (const input of inputs) {
    const width = widthOf(input);
    if (width === undefined || fields.length + width > MOST_FIELDS) return undefined;
    for (let at = 0; at < width; at++) {
      fields.push({ input, at, label: width === 1 ? input.name : `${input.name}[${at}]` });
    }
  }
  return fields.length === 0 ? undefined : fields;
}

/** Undefined: an open dimension. */
function widthOf({ shape }: Input): number | undefined {
  const sizes = shape.slice(1);
  return sizes.some((size) => size < 1) ? undefined : sizes.reduce((product, size) => product * size, 1);
}

interface Split {
  readonly columns: readonly string[];
  readonly data: readonly (readonly unknown[])[];
}

/** Returns the first row of a body in any client format; undefined for other bodies. */
export function rowOf(body: string, fields: readonly TryField[]): readonly unknown[] | undefined {
  try {
    const value = JSON.parse(body) as {
      readonly inputs?: unknown;
      readonly instances?: unknown;
      readonly dataframe_split?: Split;
    };
    if (value.dataframe_split !== undefined) {
      const { columns, data } = value.dataframe_split;
      return fields.map(({ input, at }) => {
        const position = columns.indexOf(input.name);
        return position === -1 ? data[0]?.[at] : data[0]?.[position];
      });
    }
    const inputs = value.inputs ?? value.instances;
    if (inputs === undefined || inputs === null) return undefined;
    const single = Array.isArray(inputs);
    return fields.map(({ input, at }) => {
      const rows = single ? inputs : (inputs as Readonly<Record<string, unknown>>)[input.name];
      const first: unknown = Array.isArray(rows) ? rows[0] : undefined;
      return Array.isArray(first) ? first.flat(Infinity)[at] : at === 0 ? first : undefined;
    });
  } catch {
    return undefined;
  }
}

/** A body of one row. */
export function bodyOf(fields: readonly TryField[], row: readonly unknown[]): string {
  const inputs = new Map<string, { readonly input: Input; readonly values: unknown[] }>();
  for (const [position, { input }] of fields.entries()) {
    const known = inputs.get(input.name) ?? { input, values: [] };
    known.values.push(row[position] ?? null);
    inputs.set(input.name, known);
  }
  const named = [...inputs].map(([name, { input, values }]) => [name, [shaped(input.shape.slice(1), values)]] as const);
  return JSON.stringify({ inputs: Object.fromEntries(named) }, null, 2);
}

function shaped(shape: readonly number[], values: readonly unknown[]): unknown {
  const [size, ...rest] = shape;
  if (size === undefined) return values[0];
  const each = values.length / size;
  return Array.from({ length: size }, (_, at) => shaped(rest, values.slice(at * each, (at + 1) * each)));
}

/** Converts typed text to the type of the input; other text is sent unchanged, and the server rejects it. */
export function typed(text: string, datatype: string): unknown {
  if (datatype === 'BYTES') return text;
  if (datatype === 'BOOL') return text === 'true' ? true : text === 'false' ? false : text;
  const number = Number(text);
  return text.trim() === '' ? null : Number.isFinite(number) ? number : text;
}
