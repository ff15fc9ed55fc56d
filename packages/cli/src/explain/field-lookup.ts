/** Finds fields of a kind by a typed path. Pure functions. */
import {
  DaisError,
  fieldRows,
  jsonSchemaOf,
  manifestSchema,
  metadataSchema,
  nearest,
  type FieldRow,
  type KindSpec,
} from '@dais/api';

/** All fields of a manifest, then those that the platform writes. */
export interface KindFields {
  readonly written: readonly FieldRow[];
  readonly kept: readonly FieldRow[];
}

export function kindFields(kind: KindSpec): KindFields {
  const written = fieldRows(jsonSchemaOf(manifestSchema(kind), 'input'));
  const inManifest = new Set(written.map((row) => row.path));
  const kept = [
    ...fieldRows(jsonSchemaOf(metadataSchema, 'output'), 'metadata'),
    ...fieldRows(jsonSchemaOf(kind.status, 'output'), 'status'),
  ];
  return { written, kept: kept.filter((row) => !inManifest.has(row.path)) };
}

/** A field can occur once for each variant of a union; its subfields follow it. */
export interface FoundField {
  /** The notation of the reference: `spec.send.password.key`. */
  readonly path: string;
  readonly rows: readonly FieldRow[];
  readonly below: readonly FieldRow[];
}

/**
 * Finds `spec.data`, also without the prefix `spec.`, with any key or index for a map or a list. `fields`: those of the
 * kind, for repeated lookups. @throws DaisError `not_found` naming the nearest field.
 */
export function findField(kind: KindSpec, path: string, { written, kept } = kindFields(kind)): FoundField {
  const all = [...written, ...kept];
  for (const candidate of [path, `spec.${path}`, `metadata.${path}`, `status.${path}`]) {
    const rows = all.filter((row) => matches(row.path, candidate));
    const [first] = rows;
    if (first === undefined) continue;
    const below = all.filter((row) => row.path.startsWith(`${first.path}.`) || row.path.startsWith(`${first.path}[`));
    return { path: first.path, rows, below };
  }
  throw unknownField(kind, path, all);
}

/** `spec.to[2]` and `spec.data.url` are the fields `spec.to[]` and `spec.data.KEY`, or just `spec.to`, `spec.data`. */
function matches(field: string, path: string): boolean {
  return samePath(parts(field), parts(path));
}

function parts(path: string): string[] {
  return path.replaceAll(/\[[^\]]*\]/g, '').split('.');
}

function samePath(field: readonly string[], path: readonly string[]): boolean {
  return field.length === path.length && field.every((part, index) => part === path[index] || part === 'KEY');
}

function unknownField(kind: KindSpec, path: string, rows: readonly FieldRow[]): DaisError {
  const names = [...new Set(rows.map((row) => row.path.replaceAll(/\[\]/g, '')))];
  // A complete path first; then the last word among the fields of that name anywhere.
  const whole = nearest(path, [...names, ...names.map((name) => name.replace(/^spec\./, ''))]);
  const last = nearest(
    path.split('.').at(-1) ?? '',
    names.map((name) => name.split('.').at(-1) ?? ''),
  );
  const meant = whole ?? names.find((name) => last !== undefined && name.split('.').at(-1) === last);
  const hint =
    meant === undefined ? `\`dais explain ${kind.kind}\` lists its fields` : `did you mean ${kind.kind}.${meant}?`;
  return new DaisError('not_found', `${kind.kind} has no field "${path}" (${hint}).`);
}
