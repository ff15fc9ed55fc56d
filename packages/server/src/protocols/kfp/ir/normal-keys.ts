/** Normalizes messages: fields in lowerCamelCase, without unset fields. Reports unknown fields. Map keys are unchanged. */
import { z } from 'zod';

export function normalKeys(schema: z.ZodType, value: unknown, path: string, unknown: string[]): unknown {
  if (schema instanceof z.ZodOptional) return normalKeys(schema.unwrap() as z.ZodType, value, path, unknown);
  if (Array.isArray(value)) {
    if (!(schema instanceof z.ZodArray)) return value;
    return value.map((one, index) => normalKeys(schema.element as z.ZodType, one, `${path}[${index}]`, unknown));
  }
  if (typeof value !== 'object' || value === null) return value;
  const at = (key: string) => (path === '' ? key : `${path}.${key}`);
  if (schema instanceof z.ZodRecord) {
    return Object.fromEntries(
      Object.entries(value).map(([key, one]) => [
        key,
        normalKeys(schema.valueType as z.ZodType, one, at(key), unknown),
      ]),
    );
  }
  if (!(schema instanceof z.ZodObject)) return value;
  const shape: Readonly<Record<string, z.ZodType>> = schema.shape;
  const fields: [string, unknown][] = [];
  for (const [key, one] of Object.entries(value)) {
    const field = Object.hasOwn(shape, key) ? key : camelCase(key);
    const inner = Object.hasOwn(shape, field) ? shape[field] : undefined;
    if (inner === undefined) unknown.push(at(key));
    // In protobuf JSON, null is an unset field.
    else if (one !== null) fields.push([field, normalKeys(inner, one, at(field), unknown)]);
  }
  return Object.fromEntries(fields);
}

function camelCase(key: string): string {
  return key.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
