/** Applies PATCH requests (RFC 7644, section 3.5.2) to a document. Pure. */
import { InvalidFilter, parsePatchPath, type Filter, type PatchPath } from '#lib/scim/filter.ts';
import { matchesFilter } from '#lib/scim/match.ts';
import {
  commonAttributes,
  findAttribute,
  findSubAttribute,
  isIgnored,
  type Attribute,
  type ResourceSchema,
} from './attributes.ts';
import { invalid, readValue, requireRecord, unqualified, type Document } from './read-document.ts';
import { ScimError } from './scim-error.ts';
import { PATCH_REQUEST } from './urns.ts';

export interface PatchOperation {
  readonly op: 'add' | 'replace' | 'remove';
  readonly path: string | undefined;
  readonly value: unknown;
}

const MOST_OPERATIONS = 1000;

/** Entra ID writes `Add`, `Replace` and `Remove`. @throws ScimError */
export function readPatch(body: unknown): readonly PatchOperation[] {
  const fields = lowerKeys(requireRecord(body, 'The body'));
  const schemas = fields.get('schemas');
  if (!Array.isArray(schemas) || !schemas.includes(PATCH_REQUEST))
    throw new ScimError(400, `\`schemas\` does not contain ${PATCH_REQUEST}.`, 'invalidSyntax');
  const operations = fields.get('operations');
  if (!Array.isArray(operations) || operations.length === 0 || operations.length > MOST_OPERATIONS)
    throw new ScimError(400, `\`Operations\` is not a list of 1 to ${MOST_OPERATIONS} operations.`, 'invalidSyntax');
  return operations.map((one: unknown) => {
    const operation = lowerKeys(requireRecord(one, 'An operation'));
    const op = String(operation.get('op')).toLowerCase();
    const path = operation.get('path') ?? undefined;
    if (op !== 'add' && op !== 'replace' && op !== 'remove')
      throw new ScimError(400, 'An operation is neither add, replace nor remove.', 'invalidSyntax');
    if (path !== undefined && typeof path !== 'string')
      throw new ScimError(400, '`path` is not a text.', 'invalidPath');
    if (op === 'remove' && (path === undefined || path === ''))
      throw new ScimError(400, 'A remove operation has no path.', 'noTarget');
    return { op, path: path === '' ? undefined : path, value: operation.get('value') };
  });
}

function lowerKeys(fields: Readonly<Record<string, unknown>>): ReadonlyMap<string, unknown> {
  return new Map(Object.entries(fields).map(([name, value]) => [name.toLowerCase(), value]));
}

/** @throws ScimError `invalidPath`, `noTarget`, `mutability`, `invalidValue` */
export function applyPatch(
  schema: ResourceSchema,
  document: Document,
  operations: readonly PatchOperation[],
): Document {
  return operations.reduce<Document>((state, operation) => applyOne(schema, state, operation), document);
}

function applyOne(schema: ResourceSchema, document: Document, { op, path, value }: PatchOperation): Document {
  if (path !== undefined) return applyAt(schema, document, { op, path, value });
  // Without a path, the value names the attributes; Entra ID writes paths as names: `{"name.familyName": "Lovelace"}`.
  return Object.entries(requireRecord(value, 'The value of an operation without a path')).reduce<Document>(
    (state, [name, part]) => applyAt(schema, state, { op, path: name, value: part }),
    document,
  );
}

interface Change {
  readonly op: PatchOperation['op'];
  readonly path: string;
  readonly value: unknown;
}

/** What a path names; undefined for what Dais does not store. */
export function resolvePath(
  schema: ResourceSchema,
  text: string,
):
  | { readonly attribute: Attribute; readonly sub: Attribute | undefined; readonly filter: Filter | undefined }
  | undefined {
  const lower = text.toLowerCase();
  // Attributes of an extension: `urn:…:extension:enterprise:2.0:User:department`.
  if (lower.startsWith('urn:') && !lower.startsWith(schema.id.toLowerCase())) return undefined;
  const { path, filter } = parsePath(unqualified(schema, text));
  if (isIgnored(path.attribute) || path.attribute === 'schemas') return undefined;
  const attribute = findAttribute(schema, path.attribute);
  if (attribute === undefined) throw new ScimError(400, `There is no attribute "${text}".`, 'invalidPath');
  const isDecided = attribute.name !== 'externalId' && commonAttributes.includes(attribute);
  if (attribute.readOnly === true || isDecided)
    throw new ScimError(400, `The attribute "${attribute.name}" cannot be changed.`, 'mutability');
  const sub = path.sub === undefined ? undefined : findSubAttribute(attribute, path.sub);
  if (path.sub !== undefined && sub === undefined)
    throw new ScimError(400, `The attribute "${attribute.name}" has no "${path.sub}".`, 'invalidPath');
  if (filter !== undefined && attribute.multiValued !== true)
    throw new ScimError(400, `The attribute "${attribute.name}" has one value.`, 'invalidPath');
  return { attribute, sub, filter };
}

function parsePath(text: string): PatchPath {
  try {
    return parsePatchPath(text);
  } catch (error) {
    if (!(error instanceof InvalidFilter)) throw error;
    throw new ScimError(400, `The path "${text.slice(0, 200)}" is not valid. ${error.message}`, 'invalidPath', error);
  }
}

function applyAt(schema: ResourceSchema, document: Document, { op, path, value }: Change): Document {
  // The id in a document that a provider sends back is not a change of it.
  if (['id', 'meta'].includes(path.toLowerCase()) && op !== 'remove') return document;
  const target = resolvePath(schema, path);
  if (target === undefined) return document;
  const { attribute, sub, filter } = target;
  if (attribute.multiValued === true) return applyToList(document, attribute, { op, sub, filter, value, path });
  if (sub === undefined) {
    if (op === 'remove') return without(document, attribute);
    const read = readValue(attribute, value, attribute.name);
    const before = document[attribute.name];
    const merges = attribute.type === 'complex' && read !== undefined && before !== undefined;
    return set(document, attribute, merges ? { ...(before as object), ...(read as object) } : read);
  }
  const before = (document[attribute.name] ?? {}) as Document;
  return set(document, attribute, set(before, sub, op === 'remove' ? undefined : readValue(sub, value, path)));
}

interface ListChange {
  readonly op: PatchOperation['op'];
  readonly sub: Attribute | undefined;
  readonly filter: Filter | undefined;
  readonly value: unknown;
  readonly path: string;
}

function applyToList(document: Document, attribute: Attribute, change: ListChange): Document {
  const { op, sub, filter, value, path } = change;
  const before = (document[attribute.name] ?? []) as readonly Document[];
  const matches = (one: Document) => filter === undefined || matchesFilter(filter, one);
  if (op === 'remove') {
    // Some providers name the values to remove in `value`, others in the filter of the path.
    const named = filter === undefined && sub === undefined ? valuesOf(attribute, value) : undefined;
    const isNamed = (one: Document) => named?.some((other) => other['value'] === one['value']) ?? matches(one);
    const after = before.flatMap((one) => {
      if (!isNamed(one)) return [one];
      return sub === undefined ? [] : [set(one, sub, undefined)];
    });
    return set(document, attribute, after);
  }
  if (filter === undefined && sub === undefined) {
    const values = valuesOf(attribute, value) ?? [];
    return set(document, attribute, op === 'replace' ? onePrimary(values, values) : added(before, values));
  }
  const changed = sub === undefined ? readValue(singleOf(attribute), value, path) : undefined;
  const apply = (one: Document): Document =>
    sub === undefined ? { ...one, ...(changed as object) } : set(one, sub, readValue(sub, value, path));
  if (before.some(matches)) {
    const after = before.map((one) => (matches(one) ? apply(one) : one));
    return set(
      document,
      attribute,
      onePrimary(
        after,
        after.filter((_, at) => matches(before[at] ?? {})),
      ),
    );
  }
  // `emails[type eq "work"].value` of a user without one: Entra ID expects that the value appears.
  const assumed = filter === undefined ? {} : equalities(filter);
  if (assumed === undefined) throw new ScimError(400, `No value matches the path "${path}".`, 'noTarget');
  const made = apply((readValue(singleOf(attribute), assumed, path) as Document | undefined) ?? {});
  return set(document, attribute, added(before, [made]));
}

/** The attribute of one value of a list. */
function singleOf(attribute: Attribute): Attribute {
  const { multiValued, ...single } = attribute;
  return multiValued === true ? single : attribute;
}

function valuesOf(attribute: Attribute, value: unknown): readonly Document[] | undefined {
  return readValue(attribute, value, attribute.name) as readonly Document[] | undefined;
}

/** Values that are there already are not added; a new primary value replaces the old one. */
function added(before: readonly Document[], values: readonly Document[]): readonly Document[] {
  const isSame = (a: Document, b: Document) =>
    a['value'] !== undefined && a['value'] === b['value'] && (a['type'] ?? b['type']) === (b['type'] ?? a['type']);
  const kept = before.map((one) => {
    const update = values.find((value) => isSame(value, one));
    return update === undefined ? one : { ...one, ...update };
  });
  const fresh = values.filter((value) => !before.some((one) => isSame(one, value)));
  return onePrimary(
    [...kept, ...fresh],
    [...fresh, ...kept.filter((one) => values.some((value) => isSame(value, one)))],
  );
}

/** At most one value is primary: the latest one that is set so. */
function onePrimary(all: readonly Document[], latest: readonly Document[]): readonly Document[] {
  const primary = latest.findLast((one) => one['primary'] === true) ?? all.findLast((one) => one['primary'] === true);
  return all.map((one) => (one['primary'] === true && one !== primary ? { ...one, primary: false } : one));
}

/** The values that a filter of equalities requires; undefined for other filters. */
function equalities(filter: Filter): Readonly<Record<string, unknown>> | undefined {
  if (filter.op === 'compare' && filter.operator === 'eq' && filter.path.sub === undefined)
    return { [filter.path.attribute]: filter.value };
  if (filter.op !== 'and') return undefined;
  const parts = filter.parts.map(equalities);
  return parts.includes(undefined) ? undefined : Object.assign({}, ...parts);
}

function set(document: Document, { name }: Attribute, value: unknown): Document {
  const isEmpty =
    value === undefined ||
    (Array.isArray(value) && value.length === 0) ||
    (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
  if (!isEmpty) return { ...document, [name]: value };
  return Object.fromEntries(Object.entries(document).filter(([key]) => key !== name));
}

function without(document: Document, attribute: Attribute): Document {
  if (attribute.required === true) throw invalid(attribute.name, 'is required');
  return set(document, attribute, undefined);
}
