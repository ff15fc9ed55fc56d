import { manifestSchema, type KindSpec } from '@dais/api';
import type { z } from 'zod';
import type { KindDefinition } from '#kernel/kind.ts';

/** The kinds that this program was composed with. */
export class KindRegistry {
  readonly all: readonly KindDefinition[];
  readonly #byKind: ReadonlyMap<string, KindDefinition>;
  readonly #schemas = new Map<string, z.ZodObject>();

  constructor(all: readonly KindDefinition[]) {
    this.all = all;
    this.#byKind = new Map(all.map((definition) => [definition.spec.kind, definition]));
    const plurals = new Set(all.map((definition) => definition.spec.plural));
    if (this.#byKind.size !== all.length || plurals.size !== all.length) {
      throw new Error('two kinds have the same name or plural');
    }
  }

  find(kind: string): KindDefinition | undefined {
    return this.#byKind.get(kind);
  }

  /** For kinds that are known to exist. */
  get(kind: string): KindDefinition {
    const definition = this.#byKind.get(kind);
    if (definition === undefined) throw new Error(`no kind ${kind}`);
    return definition;
  }

  /** The manifest schema of a kind, built once. */
  manifestSchema(spec: KindSpec): z.ZodObject {
    let schema = this.#schemas.get(spec.kind);
    if (schema === undefined) {
      schema = manifestSchema(spec);
      this.#schemas.set(spec.kind, schema);
    }
    return schema;
  }
}
