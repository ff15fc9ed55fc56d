/** Completion for a manifest: fields and values from the kind's schema, and names of referenced resources. */
import { jsonSchemaOf, manifestSchema, type JsonSchema, type KindSpec } from '@dais/api';

export interface ManifestChoice {
  readonly label: string;
  readonly detail?: string;
  readonly info?: string;
  readonly insert?: string;
}

export interface ManifestCompletion {
  readonly from: number;
  readonly choices: readonly ManifestChoice[];
}

/** Names of the resources of a kind. */
export type NamesOf = (kind: string) => Promise<readonly string[]>;

const schemas = new Map<KindSpec, JsonSchema>();

function schemaOf(kind: KindSpec): JsonSchema {
  const schema = schemas.get(kind) ?? jsonSchemaOf(manifestSchema(kind), 'input');
  schemas.set(kind, schema);
  return schema;
}

/** `at`: characters before the cursor. Reads lines, not a tree: a manifest is rarely complete during editing. */
export async function completeManifest(
  text: string,
  at: number,
  kind: KindSpec,
  namesOf: NamesOf,
): Promise<ManifestCompletion | undefined> {
  const start = text.lastIndexOf('\n', at - 1) + 1;
  const line = text.slice(start, at);
  const lines = text.slice(0, start).split('\n').slice(0, -1);
  const value = /^(\s*(?:- )*)([\w.-]+):\s+([\w.-]*)$/.exec(line);
  if (value !== null) {
    const [, indent = '', key = '', word = ''] = value;
    const schemas = schemasAt(schemaOf(kind), [...parents(lines, indent.length), key]);
    return await valueChoices(schemas, at - word.length, namesOf);
  }
  const item = /^(\s*)- ([\w.-]*)$/.exec(line);
  if (item !== null) {
    const [, indent = '', word = ''] = item;
    const schemas = schemasAt(schemaOf(kind), [...parents(lines, indent.length + 1), '-']);
    const values = await valueChoices(schemas, at - word.length, namesOf);
    return values ?? keyChoices(schemas, siblings(lines, indent.length + 2), at - word.length);
  }
  const field = /^(\s*)([\w.-]*)$/.exec(line);
  if (field === null) return undefined;
  const [, indent = '', word = ''] = field;
  const there = new Set([...siblings(lines, indent.length), ...after(text.slice(at), indent.length)]);
  return keyChoices(schemasAt(schemaOf(kind), parents(lines, indent.length)), there, at - word.length);
}

/** The keys that lead to a line with this indent; `-` for an item of a list. */
function parents(lines: readonly string[], indent: number): readonly string[] {
  const path: string[] = [];
  let depth = indent;
  for (const line of lines.toReversed()) {
    const match = /^(\s*)((?:- )*)([\w./-]+):/.exec(line);
    if (match === null) continue;
    const [, spaces = '', dashes = '', key = ''] = match;
    const own = spaces.length + dashes.length;
    if (dashes !== '' && spaces.length < depth && own >= depth) {
      path.unshift('-');
      depth = spaces.length + 1;
    }
    if (own >= depth) continue;
    if (dashes !== '') {
      path.unshift('-', key);
      depth = spaces.length + 1;
    } else {
      path.unshift(key);
      depth = own;
    }
    if (depth === 0) break;
  }
  return path;
}

/** Keys on the level of the line, above it. */
function siblings(lines: readonly string[], indent: number): ReadonlySet<string> {
  const found = new Set<string>();
  for (const line of lines.toReversed()) {
    const match = /^(\s*(?:- )*)([\w./-]+):/.exec(line);
    if (match === null) continue;
    const [, before = '', key = ''] = match;
    if (before.length < indent) break;
    if (before.length === indent) found.add(key);
    if (before.length === indent && before.includes('-')) break;
  }
  return found;
}

/** Keys on the level of the line, below it. */
function after(text: string, indent: number): readonly string[] {
  const found: string[] = [];
  for (const line of text.split('\n').slice(1)) {
    const match = /^(\s*)([\w./-]+):/.exec(line);
    if (match === null) continue;
    const [, before = '', key = ''] = match;
    if (before.length < indent) break;
    if (before.length === indent) found.push(key);
  }
  return found;
}

/** Several where a union leaves the branch open. */
function schemasAt(schema: JsonSchema, path: readonly string[]): readonly JsonSchema[] {
  return path.reduce<readonly JsonSchema[]>(
    (here, key) => here.flatMap((one) => childrenOf(one, key)),
    variants(schema),
  );
}

function childrenOf(schema: JsonSchema, key: string): readonly JsonSchema[] {
  const child =
    key === '-'
      ? schema.items
      : (schema.properties?.[key] ??
        (typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined));
  return child === undefined ? [] : variants(child);
}

function variants(schema: JsonSchema): readonly JsonSchema[] {
  const options = schema.oneOf ?? schema.anyOf;
  return options === undefined ? [schema] : options.flatMap(variants);
}

function keyChoices(
  schemas: readonly JsonSchema[],
  there: ReadonlySet<string>,
  from: number,
): ManifestCompletion | undefined {
  const choices = new Map<string, ManifestChoice>();
  for (const { properties = {}, required = [] } of schemas) {
    for (const [label, field] of Object.entries(properties)) {
      if (there.has(label) || choices.has(label)) continue;
      choices.set(label, {
        label,
        insert: `${label}:${isBlock(field) ? '' : ' '}`,
        ...(required.includes(label) && { detail: 'required' }),
        ...(field.description !== undefined && { info: field.description }),
      });
    }
  }
  return choices.size === 0 ? undefined : { from, choices: [...choices.values()] };
}

function isBlock(field: JsonSchema): boolean {
  return field.type === 'object' || field.type === 'array' || field.oneOf !== undefined;
}

async function valueChoices(
  schemas: readonly JsonSchema[],
  from: number,
  namesOf: NamesOf,
): Promise<ManifestCompletion | undefined> {
  const choices: ManifestChoice[] = [];
  for (const schema of schemas) {
    const { description: info } = schema;
    const fixed = schema.const === undefined ? (schema.enum ?? []) : [schema.const];
    const values = schema.type === 'boolean' ? [true, false] : fixed;
    choices.push(...values.map((value) => ({ label: String(value), ...(info !== undefined && { info }) })));
    const reference = schema['x-reference'];
    if (reference !== undefined) {
      choices.push(...(await namesOf(reference)).map((label) => ({ label, detail: reference })));
    }
  }
  return choices.length === 0 ? undefined : { from, choices };
}
