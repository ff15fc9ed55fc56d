import { z } from 'zod';
import { configSpec } from './spec.ts';

/** One field of the configuration, for the loader, the documentation and `dais config explain`. */
export interface ConfigField {
  /** Path in `spec`: `database.url`. */
  readonly path: string;
  /** `DAIS_DATABASE_URL`; empty for the fields of maps in a list, which share one variable. */
  readonly variable: string;
  readonly type: 'text' | 'path' | 'integer' | 'number' | 'boolean' | 'list' | 'map' | 'maps';
  /** The fields of each map in a list of maps (`maps`), with paths such as `authentication.providers[].name`. */
  readonly items?: readonly ConfigField[];
  /** For fields with a closed set of values. */
  readonly values?: readonly string[];
  readonly default?: unknown;
  readonly description: string;
  readonly secret: boolean;
  /** For fields of one variant only: `blobs.type = s3`. */
  readonly variant?: { readonly path: string; readonly value: string };
}

/** All fields in the order of the schema. A field of several variants occurs once for each. */
export function configFields(): readonly ConfigField[] {
  return objectFields(configSpec, [], undefined);
}

/** `database.url` → `DAIS_DATABASE_URL`. */
export function configVariable(path: string): string {
  const words = path.split('.').map((part) => part.replaceAll(/([A-Z])/g, '_$1').toUpperCase());
  return `DAIS_${words.join('_')}`;
}

function objectFields(schema: z.ZodObject, path: readonly string[], variant: ConfigField['variant']): ConfigField[] {
  return Object.entries(schema.shape as Record<string, z.ZodType>).flatMap(([key, field]) =>
    fieldsAt(field, [...path, key], variant),
  );
}

interface Unwrapped {
  readonly inner: z.ZodType;
  readonly description: string;
  readonly secret: boolean;
  readonly fallback?: unknown;
}

/** Metadata can be on the type or on any wrapper around it: the outermost description applies, a secret mark always. */
function unwrap(schema: z.ZodType): Unwrapped {
  let inner = schema;
  let description = '';
  let secret = false;
  let fallback: unknown;
  for (;;) {
    const meta = inner.meta();
    description ||= meta?.description ?? '';
    secret ||= meta?.['x-secret'] === true;
    if (inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault) fallback ??= inner.def.defaultValue;
    else if (!(inner instanceof z.ZodOptional)) break;
    inner = inner.unwrap() as z.ZodType;
  }
  return { inner, description, secret, ...(fallback !== undefined && { fallback }) };
}

function fieldsAt(schema: z.ZodType, path: readonly string[], variant: ConfigField['variant']): ConfigField[] {
  const { inner, description, secret, fallback } = unwrap(schema);
  if (inner instanceof z.ZodObject) return objectFields(inner, path, variant);
  const dotted = path.join('.');
  const field = {
    path: dotted,
    variable: configVariable(dotted),
    description,
    secret,
    ...(fallback !== undefined && { default: fallback }),
    ...(variant !== undefined && { variant }),
  };
  if (inner instanceof z.ZodDiscriminatedUnion) return unionFields(inner, field, path);
  if (inner instanceof z.ZodEnum) return [{ ...field, type: 'text', values: inner.options.map(String) }];
  if (inner instanceof z.ZodBoolean) return [{ ...field, type: 'boolean' }];
  if (inner instanceof z.ZodNumber) {
    return [{ ...field, type: inner.format === 'safeint' ? 'integer' : 'number' }];
  }
  if (inner instanceof z.ZodArray) {
    const { element } = inner;
    if (!(element instanceof z.ZodObject)) return [{ ...field, type: 'list' }];
    const [last = ''] = path.slice(-1);
    const items = objectFields(element, [...path.slice(0, -1), `${last}[]`], undefined);
    return [{ ...field, type: 'maps', items: items.map((item) => ({ ...item, variable: '' })) }];
  }
  if (inner instanceof z.ZodRecord) return [{ ...field, type: 'map' }];
  return [{ ...field, type: inner.meta()?.['x-path'] === true ? 'path' : 'text' }];
}

/** The discriminator once, with all its values; then the fields of each variant. */
function unionFields(union: z.ZodDiscriminatedUnion, field: Omit<ConfigField, 'type'>, path: readonly string[]) {
  const key = union.def.discriminator;
  const options = (union.options as readonly z.ZodObject[]).map((option) => {
    const shape = option.shape as Record<string, z.ZodType>;
    const literal = shape[key] as z.ZodLiteral<string>;
    const { [key]: _, ...rest } = shape;
    return { value: literal.value, description: literal.description ?? '', rest: z.strictObject(rest) };
  });
  const discriminator = `${field.path}.${key}`;
  const fallback = (field.default as Record<string, unknown> | undefined)?.[key];
  const { default: _, ...head } = field;
  return [
    {
      ...head,
      path: discriminator,
      variable: configVariable(discriminator),
      type: 'text' as const,
      values: options.map((option) => option.value),
      description: [head.description, ...options.map((option) => `\`${option.value}\`: ${option.description}`)]
        .filter((text) => text !== '')
        .join(' '),
      ...(fallback !== undefined && { default: fallback }),
    },
    ...options.flatMap((option) => objectFields(option.rest, path, { path: discriminator, value: option.value })),
  ];
}
