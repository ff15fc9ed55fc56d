/** Merges records: equal inputs are one record. */
import { createHash } from 'node:crypto';
import type { EvaluationSchema, FieldType } from '@dais/api/tracking';
import { canonicalJson } from '#lib/formats/canonical-json.ts';

type Json = Readonly<Record<string, unknown>>;

/** A record as given by a caller. */
export interface GivenRecord {
  readonly inputs: Json;
  readonly outputs?: unknown;
  readonly expectations?: Json;
  readonly tags?: Json;
  readonly source?: { readonly type: string; readonly data: Json };
  readonly user?: string;
}

/** A stored record. */
export interface KeptRecord {
  readonly inputs: Json;
  readonly outputs: unknown;
  readonly expectations?: Json | undefined;
  readonly tags: Json;
  readonly source?: GivenRecord['source'] | undefined;
  readonly createdBy?: string | undefined;
  readonly updatedBy?: string | undefined;
}

export function inputsHash(inputs: Json): Buffer {
  return createHash('sha256').update(canonicalJson(inputs)).digest();
}

export function newRecord({ inputs, expectations, tags = {}, source, user, ...given }: GivenRecord): KeptRecord {
  const { outputs = {} } = given;
  return { inputs, outputs, expectations, tags, source, createdBy: user, updatedBy: user };
}

/** Merges expectations and tags by key, and replaces outputs if given. The source is unchanged. */
export function merged(before: KeptRecord, given: GivenRecord): KeptRecord {
  const hasMore = given.expectations !== undefined && Object.keys(given.expectations).length > 0;
  return {
    ...before,
    ...(given.outputs !== undefined && { outputs: given.outputs }),
    ...(hasMore && { expectations: { ...before.expectations, ...given.expectations } }),
    tags: { ...before.tags, ...given.tags },
    updatedBy: given.user ?? before.updatedBy,
  };
}

/** Returns the schema extended by the new fields of these records. Existing fields keep their type. */
export function widened(before: EvaluationSchema | undefined, records: readonly GivenRecord[]): EvaluationSchema {
  const [inputs, outputs, expectations] = [
    fieldMap(before?.inputs),
    fieldMap(typeof before?.outputs === 'string' ? {} : before?.outputs),
    fieldMap(before?.expectations),
  ];
  let whole = typeof before?.outputs === 'string' ? before.outputs : undefined;
  for (const record of records) {
    add(inputs, record.inputs);
    add(expectations, record.expectations ?? {});
    const given = record.outputs;
    if (given === undefined || given === null || whole !== undefined) continue;
    if (isMap(given)) add(outputs, given);
    else if (outputs.size === 0) whole = typeOf(given);
  }
  return {
    inputs: Object.fromEntries(inputs),
    outputs: whole ?? Object.fromEntries(outputs),
    expectations: Object.fromEntries(expectations),
  };
}

function fieldMap(fields: Readonly<Record<string, FieldType>> = {}): Map<string, FieldType> {
  return new Map(Object.entries(fields));
}

function add(fields: Map<string, FieldType>, values: Json): void {
  for (const [name, value] of Object.entries(values)) {
    if (!fields.has(name)) fields.set(name, typeOf(value));
  }
}

function isMap(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function typeOf(value: unknown): FieldType {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  switch (typeof value) {
    case 'boolean':
      return 'boolean';
    case 'number':
      return Number.isInteger(value) ? 'integer' : 'float';
    case 'string':
      return 'string';
    default:
      return 'object';
  }
}
