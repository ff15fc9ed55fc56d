/** Reads resources as providers send them: names of attributes in any case, and values in related types. Pure. */
import {
  commonAttributes,
  findAttribute,
  findSubAttribute,
  type Attribute,
  type ResourceSchema,
} from './attributes.ts';
import { ScimError } from './scim-error.ts';

/** A resource with the names and types of its schema, without what the server decides. */
export type Document = Readonly<Record<string, unknown>>;

/** Values of one attribute. */
const MOST_VALUES = 10_000;

/** @throws ScimError `invalidValue`, `invalidSyntax` */
export function readDocument(schema: ResourceSchema, body: unknown): Document {
  const fields = requireRecord(body, 'The body');
  requireSchema(schema, fields);
  const document: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    const attribute = findAttribute(schema, unqualified(schema, name));
    // Attributes of other schemas, and those that the server decides.
    if (attribute === undefined || isDecided(attribute)) continue;
    const read = readValue(attribute, value, attribute.name);
    if (read !== undefined) document[attribute.name] = read;
  }
  return document;
}

function requireSchema({ id }: ResourceSchema, fields: Readonly<Record<string, unknown>>): void {
  const named = Object.entries(fields).find(([name]) => name.toLowerCase() === 'schemas')?.[1];
  const isNamed = Array.isArray(named) && named.some((one) => String(one).toLowerCase() === id.toLowerCase());
  if (!isNamed) throw new ScimError(400, `\`schemas\` does not contain ${id}.`, 'invalidSyntax');
}

function isDecided({ name, readOnly }: Attribute): boolean {
  return readOnly === true || (name !== 'externalId' && commonAttributes.some((one) => one.name === name));
}

/** A name can start with the URN of its schema. */
export function unqualified({ id }: ResourceSchema, name: string): string {
  return name.toLowerCase().startsWith(`${id.toLowerCase()}:`) ? name.slice(id.length + 1) : name;
}

/** Returns undefined for null and for an empty value, which is the same as an absent one (RFC 7643, section 2.5). */
export function readValue(attribute: Attribute, value: unknown, path: string): unknown {
  if (value === null || value === undefined) return undefined;
  if (attribute.multiValued !== true) return readSingle(attribute, value, path);
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (list.length > MOST_VALUES) throw invalid(path, `has more than ${MOST_VALUES} values`);
  const read = list.flatMap((one) => {
    // Some providers send plain values of complex attributes.
    const whole = attribute.type === 'complex' && typeof one === 'string' ? { value: one } : one;
    const single = readSingle(attribute, whole, path);
    return single === undefined ? [] : [single];
  });
  return read.length === 0 ? undefined : read;
}

function readSingle(attribute: Attribute, value: unknown, path: string): unknown {
  switch (attribute.type) {
    case 'boolean':
      return readBoolean(value, path);
    case 'complex':
      return readComplex(attribute, value, path);
    case 'string':
    case 'dateTime':
    case 'reference':
      if (typeof value === 'number' || typeof value === 'boolean') return String(value);
      if (typeof value !== 'string') throw invalid(path, 'is not a text');
      return value === '' ? undefined : value;
    default:
      return attribute.type satisfies never;
  }
}

/** Entra ID sends `"False"`, unless the flag `aadOptscim062020` is set. */
function readBoolean(value: unknown, path: string): boolean | undefined {
  if (typeof value === 'boolean') return value;
  const text = typeof value === 'string' ? value.toLowerCase() : undefined;
  if (text === 'true' || text === 'false') return text === 'true';
  if (text === '') return undefined;
  throw invalid(path, 'is neither true nor false');
}

function readComplex(attribute: Attribute, value: unknown, path: string): Document | undefined {
  const fields = requireRecord(value, `"${path}"`);
  const read: Record<string, unknown> = {};
  for (const [name, part] of Object.entries(fields)) {
    const sub = findSubAttribute(attribute, name);
    if (sub === undefined || sub.readOnly === true) continue;
    const known = readValue(sub, part, `${path}.${sub.name}`);
    if (known !== undefined) read[sub.name] = known;
  }
  return Object.keys(read).length === 0 ? undefined : read;
}

export function requireRecord(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Readonly<Record<string, unknown>>;
  throw new ScimError(400, `${what} is not an object.`, 'invalidSyntax');
}

export function invalid(path: string, what: string): ScimError {
  return new ScimError(400, `"${path}" ${what}.`, 'invalidValue');
}
