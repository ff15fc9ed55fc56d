import { z } from 'zod';

export type JsonSchema = Readonly<Record<string, unknown>>;

/**
 * Collects JSON Schemas of operations. Shared schemas (a resource, a manifest, a large common part) are defined once,
 * under `components`, and referenced.
 */
export class ComponentSchemas {
  readonly schemas: Record<string, JsonSchema> = {};
  readonly #names = new Map<string, string>();

  /**
   * Returns the schema of an input or output. Always the input side: a spec is returned as it was written, so a field
   * with a default may be absent from an output too.
   */
  of(schema: z.ZodType): JsonSchema {
    const { $schema: _, ...json } = z.toJSONSchema(schema, { io: 'input', target: 'draft-2020-12' });
    return this.#hoist(json) as JsonSchema;
  }

  add(name: string, schema: JsonSchema): void {
    this.schemas[name] = schema;
  }

  #hoist(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.#hoist(item));
    if (typeof value !== 'object' || value === null) return value;
    const inner = Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.#hoist(item)]));
    const preferredName = nameOf(inner);
    return preferredName === undefined ? inner : { $ref: `#/components/schemas/${this.#name(preferredName, inner)}` };
  }

  /** The same schema has one name; another schema with that name gets a number. */
  #name(preferredName: string, schema: JsonSchema): string {
    const text = JSON.stringify(schema);
    const known = this.#names.get(text);
    if (known !== undefined) return known;
    let name = preferredName;
    for (let n = 2; this.schemas[name] !== undefined; n++) name = `${preferredName}${n}`;
    this.schemas[name] = schema;
    this.#names.set(text, name);
    return name;
  }
}

/** Names for schemas: resources and manifests by kind, and the parts that they share. */
function nameOf(schema: Record<string, unknown>): string | undefined {
  const properties = schema['properties'] as Record<string, JsonSchema> | undefined;
  if (properties === undefined) return undefined;
  const has = (...names: string[]) => names.every((name) => name in properties);
  const kind = properties['kind']?.['const'];
  if (typeof kind === 'string' && has('apiVersion', 'metadata', 'spec'))
    return 'status' in properties ? kind : `${kind}Manifest`;
  if (has('uid', 'generation', 'resourceVersion')) return 'Metadata';
  if (has('name', 'labels', 'annotations')) return 'ManifestMetadata';
  if (has('lastTransitionTime', 'observedGeneration')) return 'Condition';
  if (has('remote', 'commit', 'dirty')) return 'Source';
  if (has('cursor', 'actor', 'data')) return 'Event';
  if (has('generation', 'actor', 'operation')) return 'Revision';
  if (has('kind', 'action', 'fields')) return 'Change';
  return undefined;
}
