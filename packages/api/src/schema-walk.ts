import { z } from 'zod';

/** The schema without `optional`, `nullable`, `default` and similar wrappers. */
export function unwrapSchema(schema: z.ZodType): z.ZodType {
  let inner = schema;
  while (
    inner instanceof z.ZodOptional ||
    inner instanceof z.ZodNullable ||
    inner instanceof z.ZodDefault ||
    inner instanceof z.ZodPrefault ||
    inner instanceof z.ZodReadonly
  ) {
    inner = inner.unwrap() as z.ZodType;
  }
  return inner;
}

/** The likely member of a union for `value`: by its discriminator, otherwise the only object. */
function chooseOption(union: z.ZodUnion, value: unknown): z.ZodType | undefined {
  const options = union.options as readonly z.ZodType[];
  if (union instanceof z.ZodDiscriminatedUnion && isRecord(value)) {
    const key = union.def.discriminator;
    const found = options.find((option) => {
      const shape = (unwrapSchema(option) as z.ZodObject).shape as Record<string, z.ZodType>;
      return shape[key]?.safeParse(value[key]).success === true;
    });
    if (found !== undefined) return unwrapSchema(found);
  }
  return options.map(unwrapSchema).find((option) => option.safeParse(value).success);
}

/** One level down. `value` chooses among the members of a union. Undefined when there is no such path. */
function childSchema(schema: z.ZodType, key: PropertyKey, value: unknown): z.ZodType | undefined {
  const inner = unwrapSchema(schema);
  if (inner instanceof z.ZodObject) {
    const shape = inner.shape as Record<string, z.ZodType>;
    return Object.hasOwn(shape, key) ? shape[String(key)] : undefined;
  }
  if (inner instanceof z.ZodRecord) return inner.valueType as z.ZodType;
  if (inner instanceof z.ZodArray) return inner.element as z.ZodType;
  if (inner instanceof z.ZodUnion) {
    const option = chooseOption(inner, value);
    return option === undefined ? undefined : childSchema(option, key, value);
  }
  return undefined;
}

/** The schema at a path, following the branches of unions that `value` takes. */
export function schemaAt(schema: z.ZodType, path: readonly PropertyKey[], value: unknown): z.ZodType | undefined {
  let here: z.ZodType | undefined = schema;
  let there = value;
  for (const key of path) {
    if (here === undefined) return undefined;
    here = childSchema(here, key, there);
    there = isRecord(there) || Array.isArray(there) ? (there as Record<PropertyKey, unknown>)[key] : undefined;
  }
  return here === undefined ? undefined : unwrapSchema(here);
}

/** The names of the fields that a schema takes at one level, over all members of a union. */
export function fieldNames(schema: z.ZodType, value?: unknown): readonly string[] {
  const inner = unwrapSchema(schema);
  if (inner instanceof z.ZodObject) return Object.keys(inner.shape);
  if (inner instanceof z.ZodUnion) {
    const chosen = chooseOption(inner, value);
    const options = chosen === undefined ? (inner.options as readonly z.ZodType[]) : [chosen];
    return [...new Set(options.flatMap((option) => fieldNames(option)))];
  }
  return [];
}

export interface FoundReference {
  readonly kind: string;
  readonly name: string;
  /** Path in the searched value: `send.url.secret`. */
  readonly path: string;
}

/** Every typed reference (`reference(kind)`) inside a valid value. */
export function findReferences(schema: z.ZodType, value: unknown, path = ''): readonly FoundReference[] {
  if (value === undefined || value === null) return [];
  const inner = unwrapSchema(schema);
  const kind = typeof value === 'string' ? referencedKind(schema) : undefined;
  if (kind !== undefined) return [{ kind, name: value as string, path }];
  if (Array.isArray(value) && inner instanceof z.ZodArray) {
    return value.flatMap((item, index) => findReferences(inner.element as z.ZodType, item, `${path}[${index}]`));
  }
  if (!isRecord(value)) return [];
  if (inner instanceof z.ZodUnion) {
    const option = chooseOption(inner, value);
    return option === undefined ? [] : findReferences(option, value, path);
  }
  return Object.entries(value).flatMap(([key, item]) => {
    const child = childSchema(inner, key, value);
    return child === undefined ? [] : findReferences(child, item, path === '' ? key : `${path}.${key}`);
  });
}

/**
 * `reference(kind)` stores its kind in the schema's metadata, on the string itself or on a wrapper with a description.
 */
export function referencedKind(schema: z.ZodType): string | undefined {
  const own = schema.meta()?.['x-reference'] ?? unwrapSchema(schema).meta()?.['x-reference'];
  return typeof own === 'string' ? own : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
