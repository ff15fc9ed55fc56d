import { z } from 'zod';

/** The fields of a schema as rows of plain text, for `dais explain` and the reference pages. Code is in backticks. */

/** The part of JSON Schema that `z.toJSONSchema` writes. */
export interface JsonSchema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly oneOf?: readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly description?: string;
  readonly default?: unknown;
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly 'x-reference'?: string;
}

export interface FieldRow {
  readonly path: string;
  readonly type: string;
  readonly required: boolean;
  /** The notation in a manifest. */
  readonly default?: string;
  readonly description: string;
  /** `type` is `smtp`: the field exists only then. */
  readonly when?: { readonly path: string; readonly value: string };
}

/** Every field below a schema, depth first, in the order of the schema. */
export function fieldRows(schema: JsonSchema, base = '', when?: FieldRow['when']): FieldRow[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, field]) => {
    const path = base === '' ? key : `${base}.${key}`;
    const row: FieldRow = {
      path,
      type: typeWords(field),
      required: schema.required?.includes(key) === true,
      ...(field.default !== undefined && { default: written(field.default) }),
      description: field.description ?? '',
      ...(when !== undefined && { when }),
    };
    return [row, ...childRows(field, path, when)];
  });
}

/** The notation in YAML: text without quotes. */
function written(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function childRows(field: JsonSchema, path: string, when: FieldRow['when']): FieldRow[] {
  if (field.oneOf !== undefined) return variantRows(field.oneOf, path);
  if (field.type === 'array' && field.items !== undefined) return childRows(field.items, `${path}[]`, when);
  if (field.type !== 'object') return [];
  if (typeof field.additionalProperties === 'object') {
    return childRows(field.additionalProperties, `${path}.KEY`, when);
  }
  return fieldRows(field, path, when);
}

/** The discriminator once, with all its values; then the fields of single variants. */
function variantRows(options: readonly JsonSchema[], path: string): FieldRow[] {
  const discriminator = Object.keys(options[0]?.properties ?? {}).find((key) =>
    options.every((option) => option.properties?.[key]?.const !== undefined),
  );
  if (discriminator === undefined) return [];
  const at = `${path}.${discriminator}`;
  const heads = options.map((option) => option.properties?.[discriminator] ?? {});
  const first: FieldRow = {
    path: at,
    type: `one of ${heads.map((head) => code(head.const)).join(', ')}`,
    required: true,
    description: heads
      .filter((head) => head.description !== undefined)
      .map((head) => `\`${String(head.const)}\`: ${head.description}`)
      .join(' '),
  };
  return [
    first,
    ...options.flatMap((option, index) => {
      const { [discriminator]: _, ...rest } = option.properties ?? {};
      return fieldRows({ ...option, properties: rest }, path, { path: at, value: String(heads[index]?.const) });
    }),
  ];
}

/** `list of text, at most 100 entries`: the type as error messages name it. */
function typeWords(field: JsonSchema): string {
  if (field.const !== undefined) return code(JSON.stringify(field.const));
  if (field.enum !== undefined) return `one of ${field.enum.map((value) => code(String(value))).join(', ')}`;
  if (field['x-reference'] !== undefined) return `name of a ${field['x-reference']}`;
  switch (field.type) {
    case 'string':
      return `${STRING_FORMATS[field.format ?? ''] ?? 'text'}${lengths(field.minLength, field.maxLength, 'characters')}`;
    case 'integer':
      return `whole number${range(field)}`;
    case 'number':
      return `number${range(field)}`;
    case 'boolean':
      return 'true or false';
    case 'array':
      return `list of ${typeWords(field.items ?? {})}${lengths(field.minItems, field.maxItems, 'entries')}`;
    case 'object':
      return typeof field.additionalProperties === 'object'
        ? `map of names to ${typeWords(field.additionalProperties)}`
        : 'map';
    default:
      return field.oneOf === undefined && field.anyOf === undefined ? 'any value' : 'map, by type';
  }
}

const STRING_FORMATS: Readonly<Record<string, string>> = { uri: 'URL', email: 'email address', 'date-time': 'time' };

function lengths(least: number | undefined, most: number | undefined, unit: string): string {
  const some = least === 1 ? ', not empty' : least === undefined || least === 0 ? '' : `, at least ${grouped(least)}`;
  return most === undefined ? some : `${some}, at most ${grouped(most)} ${unit}`;
}

function range({ minimum, maximum }: JsonSchema): string {
  const least = minimum === undefined || minimum === Number.MIN_SAFE_INTEGER ? undefined : minimum;
  const most = maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum;
  if (least !== undefined && most !== undefined) return `, ${grouped(least)} to ${grouped(most)}`;
  if (least !== undefined) return `, at least ${grouped(least)}`;
  return most === undefined ? '' : `, at most ${grouped(most)}`;
}

/** 16,777,216 */
function grouped(value: number): string {
  return String(value).replaceAll(/\B(?=(\d{3})+(?!\d))/g, ',');
}

function code(value: unknown): string {
  return `\`${String(value)}\``;
}

/** The input form, or the output form; they differ where a default makes a field optional. */
export function jsonSchemaOf(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  return z.toJSONSchema(schema, { io }) as JsonSchema;
}
